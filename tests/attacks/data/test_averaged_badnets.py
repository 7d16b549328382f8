"""Tests of the averaged backdoor."""

import numpy as np
import pytest
import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.data.averaged_badnets import averaged_badnets

CONTEXT = AttackContext(weights=tf.zeros([3]))
BENIGN = tf.fill([4, 3], 100.0)


def test_all_rows_are_the_mean_of_the_malicious_ones():
  own = tf.constant([[1.0, 2.0, 3.0], [3.0, 0.0, -3.0]])
  rows = averaged_badnets().craft(own, BENIGN, CONTEXT)
  np.testing.assert_array_equal(rows, [[2.0, 1.0, 0.0]] * 2)


@pytest.mark.parametrize('count', [1, 5])
def test_the_malicious_sum_is_kept(count):
  own = tf.random.stateless_normal([count, 3], [1, 2])
  rows = averaged_badnets().craft(own, BENIGN, CONTEXT)
  assert rows.shape == own.shape
  np.testing.assert_allclose(
    tf.reduce_sum(rows, 0), tf.reduce_sum(own, 0), rtol=1e-5, atol=1e-6
  )


def test_it_knows_its_own_rows_and_trains_feders_backdoor():
  attack = averaged_badnets()
  assert attack.default_knowledge == 'partial'
  x, y = tf.zeros([32, 28, 28, 1]), tf.fill([32], 5)
  new_x, new_y = attack.poison(x, y, CONTEXT)
  assert np.sum(new_y == 0) == 4 and np.sum(new_x) == 16.0
  np.testing.assert_array_equal(attack.victims(x, y).y, [0] * 32)


def test_the_registry_nests_another_backdoor():
  base = {'name': 'badnets', 'trigger': 'feder_cifar', 'target_label': 2}
  attack = registry.build('attack', 'averaged_badnets', attack=base)
  victims = attack.victims(tf.zeros([1, 32, 32, 3]), tf.constant([5]))
  assert victims.y[0] == 2 and victims.x[0, 31, 29, 0] == 1.0


def test_a_crafting_attack_is_refused():
  crafting = Attack('alie', craft=lambda own, benign, context: own)
  with pytest.raises(ValueError, match="'alie' crafts updates itself"):
    averaged_badnets(attack=crafting)
