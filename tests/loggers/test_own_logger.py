"""The example of docs/loggers.md, as it stands there."""

import re
import sqlite3

import pytest
import small_experiment

from flsec import registry
from flsec.config import dump
from flsec.experiment import run_logger
from flsec.experiment.metric_writer import MetricWriter


@pytest.fixture(scope='module')
def plugin(repository, tmp_path_factory):
  text = (repository / 'docs' / 'loggers.md').read_text('utf-8')
  (code,) = re.findall(r'```python\n(.*?)```', text, re.DOTALL)
  # What is told of it: twenty lines, apart from imports and empty ones.
  lines = [line for line in code.splitlines() if line and 'import ' not in line]
  assert len(lines) <= 21
  path = tmp_path_factory.mktemp('plugin') / 'sqlite_logger.py'
  path.write_text(code)
  registry.add_plugin(str(path))
  return path


def _load(plugin, file):
  return small_experiment.load(
    f'plugins=["{plugin}"]',
    f'runtime.loggers=[tensorboard, {{name: sqlite, file: {file}}}]',
  )


def _write(experiment, folder, rounds, resume_after=0):
  folder.mkdir(exist_ok=True)
  with MetricWriter(
    folder,
    resume_after=resume_after,
    logger=run_logger.build_logger(experiment),
    config=dump.to_dict(experiment),
  ) as writer:
    for number in rounds:
      writer.write_row(number, {'test/accuracy': number / 8})


def test_it_is_told_every_number_once(plugin, tmp_path):
  experiment = _load(plugin, tmp_path / 'all.db')
  cell = tmp_path / 'seed=1'
  _write(experiment, cell, [1, 2, 3])
  _write(experiment, cell, [3, 4], resume_after=2)
  with sqlite3.connect(tmp_path / 'all.db') as database:
    found = database.execute('SELECT * FROM metrics').fetchall()
  assert sorted(found) == [
    ('small/seed=1', n, 'test/accuracy', n / 8) for n in (1, 2, 3, 4)
  ]
  assert len(list(cell.glob('events.out.tfevents.*'))) == 2


def test_it_is_no_part_of_what_a_run_is(plugin, tmp_path):
  other = small_experiment.load('runtime.loggers=[]')
  experiment = _load(plugin, tmp_path / 'all.db')
  assert dump.fingerprint(experiment) == dump.fingerprint(other)
