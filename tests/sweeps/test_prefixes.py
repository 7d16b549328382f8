"""Tests of what cells of a sweep have in common."""

import pathlib

import pytest
import small_cells

from flsec.sweeps import prefixes

ROOT = pathlib.Path('runs/small')
TRAIN = 'phases=[train]'
PRUNE = 'phases=[train, {name: prune, num_channels: 1}]'
EARLY = 'attack.start_round=3'


def _find(*cells):
  experiments = [small_cells.load(*changes) for changes in cells]
  return experiments, prefixes.find(experiments, ROOT)


def _last(found):
  return [[prefix.last_round for prefix in one] for one in found]


def test_cells_that_differ_in_later_phases_share_their_training():
  _, found = _find(
    (TRAIN,), (PRUNE,), (PRUNE.replace('1}', '2}'),), (PRUNE, 'seed=2')
  )
  assert _last(found) == [[4], [4], [4], []]
  assert len({one for group in found for one in group}) == 1
  (prefix,) = found[0]
  assert prefix.folder.parent == ROOT / '.shared'
  assert not prefix.is_before_attack and not prefix.is_complete


def test_a_number_of_rounds_of_its_own_is_another_training():
  own = 'phases=[{name: train, rounds: 2}]'
  _, found = _find((TRAIN,), (own,), (own + '',), (PRUNE,))
  assert _last(found) == [[4], [2], [2], [4]]


@pytest.mark.parametrize(
  'change',
  [
    'clients.epochs=2',
    'dataset.num_train=200',
    'server.aggregator=median',
    'evaluation.every=2',
    'pruning=null',
    'rounds=5',
  ],
)
def test_what_training_depends_on_is_not_shared(change):
  _, found = _find((TRAIN,), (PRUNE, change))
  assert _last(found) == [[], []]


def test_what_only_describes_a_run_does_not_matter():
  _, found = _find((TRAIN,), (PRUNE, 'description=x', 'runtime.threads=1'))
  assert _last(found) == [[4], [4]]


class TestAttacks:
  def test_rounds_before_the_first_attack_are_shared(self):
    experiments, found = _find(
      (EARLY,),
      (EARLY, 'attack.target_label=2'),
      ('attack={name: sign_flip, num_byzantine: 1, start_round: 4}',),
      ('attack=null', 'server.aggregator.num_byzantine=1'),
    )
    assert _last(found) == [[2], [2], [2], [2]]
    assert all(group[0].is_before_attack for group in found)
    # A cell without an attack measures less, and waits for one that has it.
    assert prefixes.in_order(experiments, found) == [0, 1, 2, 3]
    experiments = experiments[::-1]
    found = prefixes.find(experiments, ROOT)
    assert prefixes.in_order(experiments, found) == [1, 2, 3, 0]

  def test_an_attack_from_the_first_round_shares_nothing(self):
    _, found = _find(
      ('attack.start_round=1',), ('attack.start_round=1', 'attack.every=2')
    )
    assert _last(found) == [[], []]

  def test_other_attackers_are_other_clients(self):
    _, found = _find(
      (EARLY,),
      (EARLY, 'attack.indices=[3]'),
      (EARLY, 'attack.placement=sampled'),
      (EARLY, 'attack.num_byzantine=2', 'server.aggregator=median'),
    )
    assert _last(found) == [[], [], [], []]

  def test_a_selection_that_looks_at_attackers_is_not_shared(self):
    fixed = ('clients.selection=fixed_malicious', 'clients.num_selected=4')
    _, found = _find((EARLY, *fixed), (EARLY, *fixed, 'attack.every=2'))
    assert _last(found) == [[], []]
    drawn = ('clients.selection=uniform', 'clients.num_selected=4')
    _, found = _find((EARLY, *drawn), (EARLY, *drawn, 'attack.every=2'))
    assert _last(found) == [[2], [2]]

  def test_both_kinds_at_once_the_longest_first(self):
    _, found = _find(
      (EARLY, TRAIN),
      (EARLY, PRUNE),
      (EARLY, TRAIN, 'attack.target_label=2'),
    )
    assert _last(found) == [[4, 2], [4, 2], [2]]

  def test_cells_without_an_attack_share_nothing_alone(self):
    _, found = _find(('attack=null',), ('attack=null', 'seed=2'))
    assert _last(found) == [[], []]
