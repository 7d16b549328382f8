"""Tests of model replacement."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.attack import AttackContext
from flsec.attacks.data.label_flip import label_flip
from flsec.attacks.training.model_replacement import model_replacement

FLIP = label_flip(source_label=1, target_label=2)


def test_scale_n_replaces_the_model_exactly_under_the_mean(client):
  """N = 10, the others' updates 0: w_new = w_attack."""
  attack = model_replacement(attack=FLIP)
  rows = tf.stack([client.attacked(attack)] + [tf.zeros([12])] * 9)
  new = client.context.weights + tf.reduce_mean(rows, axis=0)
  wanted = client.context.weights + client.attacked(FLIP)
  np.testing.assert_allclose(new, wanted, rtol=1e-5, atol=1e-6)


def test_a_given_scale_multiplies_the_update(client):
  found = client.attacked(model_replacement(attack=FLIP, scale=3.0))
  np.testing.assert_allclose(found, 3.0 * client.attacked(FLIP), rtol=1e-6)


def test_scales_multiply_when_nested(client):
  inner = model_replacement(attack=FLIP, scale=2.0)
  found = client.attacked(model_replacement(attack=inner, scale=5.0))
  np.testing.assert_allclose(found, 10.0 * client.attacked(FLIP), rtol=1e-6)


def test_an_unknown_number_of_clients_is_refused(client):
  unknown = AttackContext(weights=client.context.weights)
  attack = model_replacement(attack=FLIP)
  with pytest.raises(ValueError, match=r'does not know\. Give `scale`'):
    attack.update(tf.ones([12]), unknown)


def test_poison_and_victims_are_the_attacks():
  attack = model_replacement(attack=FLIP)
  assert attack.poison is FLIP.poison and attack.victims is FLIP.victims


@pytest.mark.parametrize('scale', [0.0, -3.0])
def test_a_scale_that_is_not_positive_is_refused(scale):
  with pytest.raises(ValueError, match=f'scale > 0; got {scale}'):
    model_replacement(attack=FLIP, scale=scale)
