"""Cells that share rounds are, bit for bit, those that train them apart."""

import json

import numpy as np
import pytest
import small_cells
from small_runs import untimed as _untimed

from flsec.experiment import loop, metric_rows
from flsec.experiment.metric_writer import MetricWriter
from flsec.runtime.in_process import InProcess
from flsec.sweeps import prefixes

PHASES = {
  'train': 'phases=[train]',
  'prune': 'phases=[train, {name: prune, num_channels: 1}]',
  'adjust': 'phases=[train, {name: adjust, num_deviations: 1.5}]',
}
EARLY = 'attack.start_round=3'
MEAN = 'server.aggregator=mean'
ATTACKS = {
  'flip': (EARLY,),
  'other flip': (EARLY, 'attack.target_label=2'),
  'later': ('attack.start_round=4',),
  'crafted': ('attack={name: ipm, num_byzantine: 1, start_round: 3}',),
  'none': ('attack=null', 'server.aggregator.num_byzantine=1'),
}


@pytest.fixture
def trained(monkeypatch):
  """Counts the rounds that are trained."""
  rounds = []
  train = InProcess.next

  def counted(self, state, clients):
    if 'round' in state and len(clients) == 6 and 'rank' in clients[0]:
      rounds.append(int(state['round']) + 1)
    return train(self, state, clients)

  monkeypatch.setattr(InProcess, 'next', counted)
  return rounds


def _outcome(path):
  rows = metric_rows.read_rows(path / 'metrics.jsonl')
  summary = json.loads((path / 'summary.json').read_text())
  latest = sorted((path / 'checkpoints').iterdir())[-1]
  with np.load(latest) as archive:
    state = {n: archive[n] for n in archive.files if n != 'manifest'}
  return repr(_untimed(rows)), repr(_untimed(summary)), latest.name, state


def _assert_same(path, other):
  found, expected = _outcome(path), _outcome(other)
  assert found[:3] == expected[:3]
  for name, value in expected[3].items():
    np.testing.assert_array_equal(found[3][name], value, name)


def _run_all(cells, root, *, together):
  """Runs cells as `flsec run` does, sharing or not."""
  experiments = [small_cells.load(*changes) for changes in cells.values()]
  shared = prefixes.find(experiments, root)
  for index in prefixes.in_order(experiments, shared):
    directory = root / list(cells)[index]
    if not (directory / 'DONE').exists():
      loop.run_cell(
        experiments[index],
        directory=directory,
        data_dir='',
        prefixes=shared[index] if together else (),
      )


def _both_ways(cells, tmp_path, trained):
  _run_all(cells, tmp_path / 'apart', together=False)
  apart = len(trained)
  trained.clear()
  _run_all(cells, tmp_path / 'together', together=True)
  for name in cells:
    _assert_same(tmp_path / 'together' / name, tmp_path / 'apart' / name)
  return apart, len(trained)


@pytest.mark.slow
def test_later_phases(tmp_path, trained):
  cells = {name: (phases,) for name, phases in PHASES.items()}
  apart, together = _both_ways(cells, tmp_path, trained)
  # Three trainings of four rounds, and one exchange in which clients vote.
  assert (apart, together) == (13, 5)


@pytest.mark.parametrize(
  ('names', 'rule', 'rounds'),
  [
    # Two rounds once, then two of each.
    (('flip', 'other flip', 'none'), 'server.on_too_few=skip', (12, 8)),
    # A mean is summed where nothing is crafted, and stacked where it is.
    pytest.param(
      ('flip', 'none', 'crafted'), MEAN, (12, 10), marks=pytest.mark.slow
    ),
    pytest.param(
      ('crafted', 'flip'),
      'server.on_too_few=skip',
      (8, 6),
      marks=pytest.mark.slow,
    ),
    pytest.param(
      ('later', 'flip'),
      'evaluation.every=3',
      (8, 6),
      marks=pytest.mark.slow,
    ),
  ],
)
def test_rounds_before_the_attack(tmp_path, trained, names, rule, rounds):
  cells = {
    name: (
      *(c for c in ATTACKS[name] if rule != MEAN or 'aggregator' not in c),
      rule,
    )
    for name in names
  }
  assert _both_ways(cells, tmp_path, trained) == rounds


@pytest.mark.slow
def test_both_at_once(tmp_path, trained):
  cells = {
    f'{attack} {phase}': (*ATTACKS[attack], PHASES[phase])
    for attack in ('flip', 'other flip')
    for phase in ('train', 'adjust')
  }
  apart, together = _both_ways(cells, tmp_path, trained)
  # Two rounds for all, then two for each attack.
  assert (apart, together) == (16, 6)


def _stop_at(monkeypatch, number):
  write_row = MetricWriter.write_row

  written = []

  def stopping(self, round_number, metrics):
    written.append(round_number)
    if len(written) == number:
      raise KeyboardInterrupt
    write_row(self, round_number, metrics)

  monkeypatch.setattr(MetricWriter, 'write_row', stopping)


@pytest.mark.slow
def test_whoever_is_stopped_goes_on(tmp_path, trained, monkeypatch):
  """The one that trains, and one that takes; both in the middle."""
  cells = {name: (phases,) for name, phases in PHASES.items()}
  _run_all(cells, tmp_path / 'apart', together=False)
  trained.clear()
  root = tmp_path / 'together'
  # The second cell is stopped while it takes what the first has trained.
  for number in (3, 4 + 2):
    with monkeypatch.context() as patch:
      _stop_at(patch, number)
      with pytest.raises(KeyboardInterrupt):
        _run_all(cells, root, together=True)
  _run_all(cells, root, together=True)
  # Round 3 was trained, not written, and trained again; 5 is the vote.
  assert sorted(trained) == [1, 2, 3, 3, 4, 5]
  for name in cells:
    _assert_same(root / name, tmp_path / 'apart' / name)


def test_rounds_of_other_data_are_not_taken(tmp_path, trained):
  """The configuration is the same, and the files have changed."""
  cells = {name: (PHASES[name],) for name in ('train', 'adjust')}
  experiments = [small_cells.load(*changes) for changes in cells.values()]
  root = tmp_path / 'runs'
  shared = prefixes.find(experiments, root)
  loop.run_cell(
    experiments[0], directory=root / 'a', data_dir='', prefixes=shared[0]
  )
  facts = shared[0][0].folder / 'facts.json'
  changed = {**json.loads(facts.read_text()), 'data': 'ffffffff'}
  facts.write_text(json.dumps(changed))
  trained.clear()
  loop.run_cell(
    experiments[1], directory=root / 'b', data_dir='', prefixes=shared[1]
  )
  assert trained == [1, 2, 3, 4]
