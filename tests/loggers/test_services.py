"""Weights & Biases and MLflow, where nothing but the disk can be reached."""

import importlib.util
import json
import sys

import numpy as np
import pytest

from flsec import registry
from flsec.loggers.logger import Run

_CONFIG = {'seed': 3, 'server.aggregator': 'krum'}
_WAY = 'make setup-loggers'


def _needs(package):
  if importlib.util.find_spec(package) is None:
    pytest.skip(f'needs {package}: {_WAY} installs it')


def _told(logger, folder, steps, first_step=1):
  logger.begin(Run('sweep', 'seed=3', folder, {'seed': 3}, _CONFIG, first_step))
  logger.text(0, 'config', 'seed: 3')
  for step in steps:
    logger.scalars(step, {'test/accuracy': step / 8, 'a_class': float('nan')})
    logger.histogram(step, 'update_norm/benign', np.array([1.0, 2.0]))
    logger.image(step, 'test/confusion', np.zeros([4, 5, 1], np.uint8))
  logger.close()


@pytest.mark.parametrize(
  ('name', 'module'), [('wandb', 'wandb'), ('mlflow', 'mlflow.tracking')]
)
def test_one_that_is_not_installed_says_how_to(name, module, monkeypatch):
  monkeypatch.setitem(sys.modules, module, None)
  with pytest.raises(ValueError, match=_WAY):
    registry.build('logger', name)


class TestMLflow:
  @pytest.fixture
  def uri(self, tmp_path):
    _needs('mlflow')
    return f'file://{tmp_path}/store'

  def test_numbers_and_settings_arrive_once(self, uri, tmp_path):
    from mlflow.tracking import MlflowClient

    for steps, first_step in (([1, 2, 3], 1), ([3, 4], 3)):
      logger = registry.build('logger', 'mlflow', tracking_uri=uri)
      _told(logger, tmp_path, steps, first_step)
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name('sweep')
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == 'seed=3' and run.info.status == 'FINISHED'
    assert run.data.params == {'seed': '3', 'server.aggregator': 'krum'}
    history = client.get_metric_history(run.info.run_id, 'test/accuracy')
    assert {(m.step, m.value) for m in history} == {
      (n, n / 8) for n in range(1, 5)
    }


class TestWeightsAndBiases:
  def test_numbers_and_settings_are_on_the_disk(self, tmp_path):
    _needs('wandb')
    from wandb.proto import wandb_internal_pb2
    from wandb.sdk.internal import datastore

    logger = registry.build('logger', 'wandb', mode='offline')
    _told(logger, tmp_path, [1, 2])
    (path,) = tmp_path.glob('wandb/offline-run-*/run-*.wandb')
    store = datastore.DataStore()
    store.open_for_scan(str(path))
    history, settings = {}, {}
    while (data := store.scan_data()) is not None:
      record = wandb_internal_pb2.Record()
      record.ParseFromString(data)
      for item in record.history.item:
        key = item.key or '/'.join(item.nested_key)
        step = record.history.step.num
        history[key, step] = json.loads(item.value_json)
      for update in (*record.run.config.update, *record.config.update):
        settings[update.key] = json.loads(update.value_json)
    assert history['test/accuracy', 1] == 1 / 8
    assert history['test/accuracy', 2] == 2 / 8
    assert history['update_norm/benign/_type', 2] == 'histogram'
    assert settings['seed'] == 3 and settings['server.aggregator'] == 'krum'
    identity = (tmp_path / 'wandb_id.txt').read_text().strip()
    assert identity in path.name
