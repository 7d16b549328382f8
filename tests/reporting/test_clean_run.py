"""Tests of what an attack costs beside the clean run of a sweep."""

import pathlib

import pytest

from flsec.reporting import cell, clean_run, run_tables
from flsec.reporting.cell import Cell

_ATTACK = {'name': 'alie', 'num_byzantine': 2, 'start_round': 2, 'every': 1}


def _cell(accuracies, *, rule='mean', attack=None, seed=1, **more):
  config = {
    'name': 'sweep',
    'seed': seed,
    'rounds': len(accuracies),
    'server': {'aggregator': {'name': rule}, 'preaggregators': []},
    'attack': attack,
    **more,
  }
  rows = [
    {'round': number, 'test/accuracy': accuracy}
    for number, accuracy in enumerate(accuracies, 1)
    if accuracy is not None
  ]
  return Cell(pathlib.Path(f'{rule}-{seed}'), config, '', rows, True)


_CLEAN = _cell([0.5, 0.8, 0.9])


def test_mean_over_the_attacked_rounds_alone():
  attacked = _cell([0.1, 0.6, 0.5], rule='krum', attack=_ATTACK)
  losses = clean_run.accuracy_losses([_CLEAN, attacked])
  assert losses == [None, pytest.approx(0.3)]  # (0.2 + 0.4) / 2


def test_a_defence_that_nobody_attacks_has_a_fidelity():
  # From round 2 on, where the sweep's attack starts: (0.1 + 0.3) / 2.
  defended = _cell([0.1, 0.7, 0.6], rule='krum')
  attacked = _cell([0.1, 0.6, 0.5], rule='krum', attack=_ATTACK)
  losses = clean_run.accuracy_losses([defended, _CLEAN, attacked])
  assert losses == [pytest.approx(0.2), None, pytest.approx(0.3)]
  # Without an attack in the sweep nothing says from which round on.
  assert clean_run.accuracy_losses([defended, _CLEAN]) == [None, None]


def test_a_gain_is_the_share_of_the_means_loss_that_a_defence_takes_away():
  base = _cell([0.5, 0.4, 0.5], attack=_ATTACK)  # (0.4 + 0.4) / 2
  attacked = _cell([0.5, 0.7, 0.8], rule='krum', attack=_ATTACK)  # 0.1
  worse = _cell([0.5, 0.2, 0.3], rule='median', attack=_ATTACK)  # 0.6
  cells = [_CLEAN, base, attacked, worse, _cell([0.5, 0.8, 0.9], rule='krum')]
  losses = clean_run.accuracy_losses(cells)
  assert clean_run.robustness_gains(cells, losses) == [
    None,
    None,
    pytest.approx(0.75),
    pytest.approx(-0.5),
    None,
  ]


@pytest.mark.parametrize(
  'base',
  [
    # Another attack, another seed, a mean that loses nothing.
    _cell([0.5, 0.4, 0.5], attack={**_ATTACK, 'name': 'ipm'}),
    _cell([0.5, 0.4, 0.5], attack=_ATTACK, seed=2),
    _cell([0.5, 0.8, 0.9], attack=_ATTACK),
  ],
)
def test_no_gain_without_a_loss_to_compare_with(base):
  cells = [_CLEAN, base, _cell([0.5, 0.7, 0.8], rule='krum', attack=_ATTACK)]
  losses = clean_run.accuracy_losses(cells)
  assert clean_run.robustness_gains(cells, losses)[2] is None


def test_a_better_run_has_a_negative_loss():
  attacked = _cell([0.5, 0.9, 1.0], attack=_ATTACK)
  assert clean_run.accuracy_losses([attacked, _CLEAN])[0] == pytest.approx(-0.1)


@pytest.mark.parametrize(
  'other',
  [
    _cell([0.5, 0.8, 0.9], rule='median'),
    _cell([0.5, 0.8, 0.9], seed=2),
    _cell([0.5, 0.8, 0.9], pruning={'name': 'flap'}),
    _cell([0.5, 0.8, 0.9], model={'name': 'mlp'}),
  ],
)
def test_only_the_plain_mean_of_the_same_seed_and_settings_is_clean(other):
  attacked = _cell([0.1, 0.6, 0.5], attack=_ATTACK)
  assert clean_run.accuracy_losses([other, attacked]) == [None, None]


def test_rounds_that_one_of_the_two_did_not_test_are_left_out():
  attacked = _cell([0.1, None, 0.5], attack=_ATTACK)
  assert clean_run.accuracy_losses([_CLEAN, attacked])[1] == pytest.approx(0.4)


def test_what_changes_no_result_may_differ():
  attacked = _cell(
    [0.1, 0.6, 0.5], attack=_ATTACK, plugins=['attack.py'],
    runtime={'threads': 2},
  )  # fmt: skip
  assert clean_run.accuracy_losses([_CLEAN, attacked])[1] is not None
  precise = _cell(
    [0.1, 0.6, 0.5], attack=_ATTACK, runtime={'mixed_precision': True}
  )
  assert clean_run.accuracy_losses([_CLEAN, precise])[1] is None


def test_the_sweep_table_shows_it_where_there_is_a_clean_run():
  attacked = _cell([0.1, 0.6, 0.5], rule='krum', attack=_ATTACK)
  table = run_tables.runs_table([_CLEAN, attacked])
  titles = [column.title for column in table.columns]
  index = titles.index('Test accuracy, loss L')
  values = [row[index].value for row in table.rows]
  assert values == [None, pytest.approx(0.3)]
  alone = run_tables.runs_table([attacked])
  assert 'Test accuracy, loss L' not in [c.title for c in alone.columns]


def test_runs_from_before_and_after_a_field_came_are_of_one_sweep(
  make, tmp_path
):
  # A sweep that was begun by an older version, and goes on with this one.
  plain = {'server__aggregator': {'name': 'mean'}, 'pruning': None}
  for name, config in (
    ('clean', make.config(**plain, attack=None)),
    ('attacked', make.config(**plain, clients__augmentation=None)),
  ):
    make.run(tmp_path / name, config)
  losses = clean_run.accuracy_losses(cell.find_cells(tmp_path))
  assert [loss is None for loss in losses] == [False, True]
