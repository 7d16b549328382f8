"""Tests of the distributed backdoor."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.attack import AttackContext
from flsec.attacks.data.distributed_backdoor import distributed_backdoor

CONTEXT = AttackContext(weights=tf.zeros([1]), seed=tf.constant([3, 4]))
X, Y = tf.fill([8, 28, 28, 1], 0.25), tf.range(8)


def stamped_places(attack, rank):
  context = dataclasses.replace(CONTEXT, client_rank=tf.constant(rank))
  x, y = attack.poison(X, Y, context)
  np.testing.assert_array_equal(x[2:], X[2:])
  np.testing.assert_array_equal(y, [2, 2, *range(2, 8)])
  return {tuple(place) for place in np.argwhere(x[0].numpy() == 1.0)[:, :2]}


def test_each_rank_stamps_its_own_strip_and_the_fifth_begins_anew():
  attack = distributed_backdoor(num_poisoned=2)
  found = [stamped_places(attack, rank) for rank in range(5)]
  assert found[0] == {(0, 0), (0, 1), (0, 2), (0, 3)}
  assert found[3] == {(3, 6), (3, 7), (3, 8), (3, 9)}
  assert found[4] == found[0]
  assert len(set().union(*found)) == 16


def test_victims_carry_the_union():
  attack = distributed_backdoor(num_poisoned=2)
  victims = attack.victims(X, Y)
  union = set().union(*(stamped_places(attack, rank) for rank in range(4)))
  found = np.argwhere(victims.x[5].numpy() == 1.0)[:, :2]
  assert {tuple(place) for place in found} == union
  np.testing.assert_array_equal(victims.mask, Y != 2)


def test_own_patterns_and_a_victim_class():
  attack = distributed_backdoor(
    patterns=[
      {'pixels': [[0, 0]], 'value': 1.0},
      {'patch': [2, 2], 'value': 0.5},
    ],
    source_label=7,
    poison_fraction=1.0,
    input_shape=(28, 28, 1),
  )
  context = dataclasses.replace(CONTEXT, client_rank=tf.constant(1))
  x, y = attack.poison(X, Y, context)
  np.testing.assert_array_equal(y, [0, 1, 2, 3, 4, 5, 6, 2])
  assert np.all(x[7, 26:, 26:] == 0.5) and x[7, 0, 0, 0] == 0.25


def test_the_victims_need_not_be_what_attackers_poison():
  attack = distributed_backdoor(victim_label=7, poison_fraction=1.0)
  context = dataclasses.replace(CONTEXT, client_rank=tf.constant(0))
  np.testing.assert_array_equal(attack.poison(X, Y, context)[1], [2] * 8)
  np.testing.assert_array_equal(attack.victims(X, Y).mask, Y == 7)
  assert attack.source_labels == ()
  narrow = distributed_backdoor(source_label=5, victim_label=7)
  np.testing.assert_array_equal(narrow.victims(X, Y).mask, Y == 7)
  assert narrow.source_labels == (5,)


@pytest.mark.parametrize(
  ('label', 'message'),
  [(2, 'target_label that is not the victim_label'), (10, 'victim_label must')],
)
def test_victims_that_cannot_be_are_refused(label, message):
  with pytest.raises(ValueError, match=message):
    distributed_backdoor(victim_label=label, num_classes=10)


def test_xla_compiles_it_for_a_rank_known_only_at_run_time():
  poison = distributed_backdoor(num_poisoned=1).poison

  @tf.function(jit_compile=True)
  def compiled(rank):
    return poison(X, Y, dataclasses.replace(CONTEXT, client_rank=rank))[0]

  first, second = compiled(tf.constant(0)), compiled(tf.constant(1))
  assert first[0, 0, 0, 0] == 1.0 and second[0, 0, 0, 0] == 0.25


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'patterns': 'dba_cifra'}, "did you mean 'dba_cifar'"),
    ({'patterns': ['feder_mnist']}, 'at least two local patterns; got 1'),
    (
      {'patterns': ['feder_mnist', 'federated_pruning_1']},
      r'must not overlap; \(-2, -2\) is in two',
    ),
    (
      {'target_label': 2, 'source_label': 2},
      'distributed_backdoor needs a tar',
    ),
    ({'input_shape': (446,)}, 'image trigger'),
    ({'patterns': 'dba_cifar', 'input_shape': (8, 8, 3)}, 'outside an example'),
  ],
)
def test_impossible_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    distributed_backdoor(**options)
