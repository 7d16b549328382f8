"""Runs that start from runs, and from Keras models."""

import json
import shutil

import numpy as np
import pytest
import small_experiment
import tensorflow as tf

from flsec import models
from flsec.config import loading
from flsec.config.errors import ConfigError
from flsec.config.start import StartConfig
from flsec.experiment import (
  assembly,
  checkpoint,
  keras_export,
  loop,
  metric_rows,
  model_record,
  preflight,
  starting,
)
from flsec.models.flat import FlatModel

ADAM = 'clients.optimizer={name: adam, learning_rate: 0.01, persistent: true}'
PLAIN = ('attack=null', 'pruning=null', 'rounds=2')


def _run(path, *changes):
  experiment = small_experiment.load(*PLAIN, *changes)
  preflight.check_components(experiment)
  loop.run_cell(experiment, directory=path, data_dir='')
  return path


def _state(path):
  leaves = checkpoint.read(path / 'checkpoints')
  return {p[1]: value for p, value in leaves.items() if p[0] == 'state'}


def _rows(path):
  return metric_rows.read_rows(path / 'metrics.jsonl')


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
  return _run(tmp_path_factory.mktemp('starting') / 'trained', ADAM)


def _from(path, *more):
  return (f'start_from={path}', *more)


class TestRun:
  def test_its_weights_are_where_training_begins(self, trained, tmp_path):
    """One round from them is what the loop's own parts make of them."""
    again = _run(tmp_path / 'again', *_from(trained, 'rounds=1'))
    experiment = small_experiment.load(*PLAIN, *_from(trained, 'rounds=1'))
    assembled = assembly.assemble(experiment, '')
    np.testing.assert_array_equal(
      assembled.plan.initial_weights, _state(trained)['weights']
    )
    assert (_state(again)['weights'] != _state(trained)['weights']).any()
    assert [row['round'] for row in _rows(again)] == [1]

  def test_the_same_weights_and_clients_go_on_as_one_run(
    self, trained, tmp_path
  ):
    """Adam's moments live on; a round's draws depend on its number alone, so
    that rounds 1 and 2 again, from there, are the same in another process."""
    changes = (ADAM, f'start_from={{path: {trained}, client_state: true}}')
    with_slots = _run(tmp_path / 'with', *changes, 'rounds=1')
    without = _run(tmp_path / 'without', ADAM, *_from(trained, 'rounds=1'))
    counts = _state(with_slots)['counts']
    np.testing.assert_array_equal(counts, _state(trained)['counts'] * 3 // 2)
    np.testing.assert_array_equal(
      _state(without)['counts'], _state(trained)['counts'] // 2
    )
    assert (_state(with_slots)['weights'] != _state(without)['weights']).any()

  def test_what_was_removed_stays_removed(self, tmp_path):
    conv = (
      'model={name: cnn, filters: [3, 5], kernel_size: 3, hidden: [8]}',
      'dataset.num_train=60',
      'clients.optimizer={learning_rate: 0.1}',
    )
    pruned = _run(
      tmp_path / 'pruned',
      *conv,
      'phases=[train, {name: prune, num_channels: 2}]',
    )
    removed = _state(pruned)['removed']
    assert removed.sum() == 2 * (3 * 3 * 3 + 1)
    tuned = _run(tmp_path / 'tuned', *conv, *_from(pruned, 'rounds=1'))
    np.testing.assert_array_equal(_state(tuned)['removed'], removed)
    assert not _state(tuned)['weights'][removed].any()
    # And so it may be fine-tuned, though no phase before it removes anything.
    preflight.check_components(
      small_experiment.load(
        *PLAIN,
        *conv,
        *_from(pruned, 'dataset.validation={size: 20}', 'phases=[fine_tune]'),
      )
    )

  def test_it_is_part_of_what_a_run_is(self, trained, tmp_path):
    path = _run(tmp_path / 'cell', *_from(trained, 'rounds=1'))
    record = json.loads((path / 'data.json').read_text())
    names = [file['path'] for file in record['files']]
    assert any(str(trained) in name for name in names)
    with pytest.raises(ValueError, match='another configuration'):
      _run(path, 'rounds=1')


class TestRefusals:
  def test_another_architecture(self, trained, tmp_path):
    for model, message in (
      ('{name: mlp, hidden: [9]}', r'dense1/kernel \[784, 8\] where the model'),
      ('{name: mlp, hidden: [8, 8]}', 'it is of another architecture'),
      ('lenet5', 'of another architecture'),
    ):
      path = tmp_path / 'cell'
      with pytest.raises(ConfigError, match=message):
        _run(path, *_from(trained, f'model={model}'))
      assert not path.exists()

  def test_more_layers(self):
    weights = [('a', 'kernel', (2, 2)), ('b', 'kernel', (2, 2))]
    with pytest.raises(ValueError, match=r'it alone has b/kernel \[2, 2\]'):
      model_record.check_same('x', weights, weights[:1])
    with pytest.raises(ValueError, match='the model alone has b/kernel'):
      model_record.check_same('x', weights[:1], weights)
    # Keras' own counters say nothing.
    model_record.check_same(
      'x', [('dense_7', 'bias', (2,))], [('dense', 'bias', (2,))]
    )
    with pytest.raises(ValueError, match='hidden/bias'):
      model_record.check_same(
        'x', [('dense_7', 'bias', (2,))], [('hidden', 'bias', (2,))]
      )

  def test_nothing_and_something_else(self, tmp_path):
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'text.txt').write_text('x')
    for name, message in (
      ('nowhere', 'does not exist'),
      ('folder', 'neither the folder of a run nor a Keras model'),
      ('text.txt', 'neither the folder of a run nor a Keras model'),
    ):
      with pytest.raises(ConfigError, match=message) as caught:
        starting.check(StartConfig(str(tmp_path / name)))
      assert caught.value.path == 'start_from.path'

  def test_a_run_that_is_not_finished(self, trained, tmp_path):
    path = shutil.copytree(trained, tmp_path / 'copy')
    (path / 'DONE').unlink()
    with pytest.raises(ConfigError, match='holds a run that is not finished'):
      starting.check(StartConfig(str(path)))

  def test_clients_without_a_state(self, trained, tmp_path):
    plain = _run(tmp_path / 'plain', 'rounds=1')
    start = f'start_from={{path: {plain}, client_state: true}}'
    with pytest.raises(ConfigError, match='keeps nothing of its clients'):
      _run(tmp_path / 'cell', start)
    start = f'start_from={{path: {trained}, client_state: true}}'
    with pytest.raises(ValueError, match='which are not kept here'):
      _run(tmp_path / 'cell', start)
    with pytest.raises(ValueError, match=r'slots of shape \[6, 2, \d+\]'):
      _run(tmp_path / 'cell', ADAM, start, 'clients.num_clients=5')

  def test_a_damaged_checkpoint(self, trained, tmp_path):
    path = shutil.copytree(trained, tmp_path / 'copy')
    latest = sorted((path / 'checkpoints').iterdir())[-1]
    data = bytearray(latest.read_bytes())
    data[len(data) // 2] ^= 255
    latest.write_bytes(data)
    with pytest.raises(ConfigError, match='is damaged'):
      starting.check(StartConfig(str(path)))


class TestKeras:
  def _logits(self, path, x):
    loaded = tf.keras.models.load_model(path, compile=False)
    return loaded(x).numpy()

  @pytest.mark.parametrize('name', ['model.keras', 'model.h5', 'saved'])
  def test_out_and_in_again(self, trained, tmp_path, name):
    path = tmp_path / name
    takes = keras_export.export_model(trained, path)
    assert '[28, 28, 1] as x * 0.00392157 + 0, to 10 logits' in takes
    model = FlatModel(
      models.build('mlp', input_shape=(28, 28, 1), num_classes=10, hidden=[8])
    )
    weights = _state(trained)['weights']
    x = np.random.default_rng(0).random([5, 28, 28, 1], np.float32)
    np.testing.assert_allclose(
      self._logits(path, x), model.logits(weights, x), rtol=1e-5, atol=1e-5
    )
    config = StartConfig(str(path))
    assert not starting.check(config)
    np.testing.assert_array_equal(starting.load(config, model).weights, weights)

  def test_statistics_and_names_are_those_of_the_model(self, tmp_path):
    """Batch normalisation's moving statistics travel, too."""
    options = {'filters': [2], 'kernel_size': 3, 'pool_after': [1]}
    build = lambda: models.build(
      'cnn',
      input_shape=(8, 8, 1),
      num_classes=3,
      hidden=[4],
      normalization='batch',
      **options,
    )
    keras_model = build()
    rng = np.random.default_rng(1)
    keras_model.set_weights(
      [rng.random(w.shape) for w in keras_model.get_weights()]
    )
    path = tmp_path / 'model.keras'
    keras_model.save(path)
    model = FlatModel(build())
    weights = starting.load(StartConfig(str(path)), model).weights
    x = rng.random([4, 8, 8, 1]).astype(np.float32)
    np.testing.assert_allclose(
      model.logits(weights, x), keras_model(x), rtol=1e-4, atol=1e-5
    )

  def test_layers_of_a_chain_may_have_other_names(self, tmp_path):
    layers = tf.keras.layers
    chain = tf.keras.Sequential(
      [
        layers.Flatten(input_shape=(28, 28, 1)),
        layers.Dense(8, activation='relu', name='mine'),
        layers.Dense(10, activation='softmax'),
      ]
    )
    path = tmp_path / 'model.h5'
    chain.save(path)
    build = lambda hidden: FlatModel(
      models.build(
        'mlp', input_shape=(28, 28, 1), num_classes=10, hidden=hidden
      )
    )
    weights = starting.load(StartConfig(str(path)), build([8])).weights
    whole = np.concatenate([np.ravel(w) for w in chain.get_weights()])
    np.testing.assert_array_equal(weights, whole)
    for hidden in ([9], [8, 8], []):
      with pytest.raises(ConfigError, match='the model'):
        starting.load(StartConfig(str(path)), build(hidden))

  def test_a_run_may_start_from_one(self, trained, tmp_path):
    path = tmp_path / 'model.keras'
    keras_export.export_model(trained, path)
    runs = [
      _run(tmp_path / name, *_from(start, 'rounds=1'))
      for name, start in (('keras', path), ('run', trained))
    ]
    states = [_state(run)['weights'] for run in runs]
    np.testing.assert_array_equal(*states)

  def test_refusals(self, trained, tmp_path):
    with pytest.raises(ValueError, match='says no format'):
      keras_export.export_model(trained, tmp_path / 'model.pb')
    with pytest.raises(ValueError, match='not the folder of a finished run'):
      keras_export.export_model(tmp_path, tmp_path / 'model.keras')
    path = tmp_path / 'bad.keras'
    path.write_bytes(b'no model')
    model = FlatModel(
      models.build('mlp', input_shape=(28, 28, 1), num_classes=10, hidden=[8])
    )
    with pytest.raises(ConfigError, match='cannot be read as a Keras model'):
      starting.load(StartConfig(str(path)), model)
    with pytest.raises(ConfigError, match='a Keras model has none'):
      starting.check(StartConfig(str(path), client_state=True))
    keras_export.export_model(trained, path)
    other = FlatModel(
      models.build('mlp', input_shape=(28, 28, 1), num_classes=10, hidden=[9])
    )
    with pytest.raises(ConfigError, match='of another architecture'):
      starting.load(StartConfig(str(path)), other)


def test_a_path_alone_is_short_for_a_mapping(tmp_path):
  for value in ('runs/a', '{path: runs/a}'):
    experiment = small_experiment.load(f'start_from={value}')
    assert experiment.start_from == StartConfig('runs/a', False)
  assert loading.from_mapping(small_experiment.RAW).start_from is None
  with pytest.raises(ConfigError, match=r'start_from\.client_stat: '):
    small_experiment.load('start_from={path: a, client_stat: true}')
