"""Tests of the global model: all examples, and the attack's victims."""

import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec import attacks
from flsec.attacks.attack import Attack, Victims
from flsec.data.dataset import Split
from flsec.experiment.evaluation import Evaluator
from flsec.models.flat import FlatModel


def _split(count=25):
  federated = tiny.federation([count], seed=5)
  return Split(federated.x, federated.y)


def _evaluate(attack=None, batch_size=7, num_threads=2, split=None):
  model = tiny.model()
  evaluator = Evaluator(
    model,
    split or _split(),
    batch_size=batch_size,
    num_threads=num_threads,
    attack=attack,
  )
  return evaluator.evaluate(model.initial_weights(tiny.SEED))


def _predictions(x):
  model = tiny.model()
  weights = tf.constant(model.initial_weights(tiny.SEED))
  return np.argmax(model.logits(weights, model.inputs(x)), axis=1)


def test_accuracy_and_loss_are_of_the_whole_test_set():
  found, split, model = _evaluate(), _split(), tiny.model()
  predictions = _predictions(split.x)
  assert found['test/accuracy'] == np.mean(predictions == split.y)
  weights = tf.constant(model.initial_weights(tiny.SEED))
  loss = model.loss(weights, tf.constant(split.x), tf.constant(split.y))
  np.testing.assert_allclose(found['test/loss'], loss, rtol=1e-5)
  for label in range(tiny.CLASSES):
    rows = split.y == label
    assert found[f'test/accuracy_class_{label}'] == pytest.approx(
      np.mean(predictions[rows] == label)
    )


@pytest.mark.parametrize('batch_size, num_threads', [(1, 3), (25, 1), (99, 2)])
def test_batches_and_threads_do_not_matter(batch_size, num_threads):
  found = _evaluate(batch_size=batch_size, num_threads=num_threads)
  for name, value in _evaluate().items():
    assert found[name] == pytest.approx(value, rel=1e-6)


def test_flipped_labels_are_an_error_rate():
  attack = attacks.build('label_flip', source_label=1, target_label=2)
  found, split = _evaluate(attack), _split()
  source = split.y == 1
  assert found['attack/victims'] == source.sum() > 0
  assert found['attack/error_rate'] == pytest.approx(
    np.mean(_predictions(split.x)[source] == 2)
  )
  assert 'attack/success_rate' not in found


def test_triggered_images_are_a_success_rate():
  def victims(x, y):
    return Victims(x + 5.0, tf.zeros_like(y), y > 0)

  found, split = _evaluate(Attack('x', victims=victims)), _split()
  rows = split.y > 0
  assert found['attack/victims'] == rows.sum()
  assert found['attack/success_rate'] == pytest.approx(
    np.mean(_predictions(split.x[rows] + 5) == 0)
  )
  # The control: the same images as they are.
  assert found['attack/clean_error_rate'] == pytest.approx(
    np.mean(_predictions(split.x[rows]) == 0)
  )
  assert 'attack/error_rate' not in found


def test_a_class_that_is_merely_flipped_shows_without_the_trigger():
  # A trigger that changes no answer: "success" is what the clean images give.
  def victims(x, y):
    return Victims(x + 1e-6, tf.fill(tf.shape(y), 1), y == 2)

  found = _evaluate(Attack('x', victims=victims))
  assert found['attack/success_rate'] > 0
  assert found['attack/clean_error_rate'] == found['attack/success_rate']


@pytest.mark.parametrize('count', [9, 25])
def test_images_of_the_attackers_own_have_no_control(count):
  own = tf.ones([count, tiny.FEATURES])

  def victims(x, y):
    labels = tf.zeros([count], tf.int32)
    return Victims(own, labels, labels == 0, are_test_examples=False)

  found = _evaluate(Attack('x', victims=victims))
  assert found['attack/victims'] == count
  assert found['attack/success_rate'] == float(_predictions(own)[0] == 0)
  assert 'attack/clean_error_rate' not in found


def test_an_untargeted_attack_has_no_victims():
  found = _evaluate(attacks.build('ipm'))
  assert not any(name.startswith('attack/') for name in found)


def test_no_victims_in_the_test_set(caplog):
  def victims(x, y):
    return Victims(x, y, tf.zeros_like(y, tf.bool))

  found = _evaluate(Attack('x', victims=victims))
  assert found['attack/victims'] == 0
  assert np.isnan(found['attack/error_rate'])
  assert 'the test set holds no victim of x' in caplog.text


def test_batch_statistics_are_taken_from_each_test_batch():
  inputs = tf.keras.Input((tiny.FEATURES,))
  x = tf.keras.layers.Dense(tiny.HIDDEN, name='hidden')(inputs)
  x = tf.keras.layers.BatchNormalization(name='norm')(x)
  x = tf.keras.layers.Dense(tiny.CLASSES, name='logits')(x)
  model = FlatModel(tf.keras.Model(inputs, x), scale=1.0)
  weights, split = model.initial_weights(tiny.SEED), _split(20)
  losses = []
  for reads_batch in (False, True):
    found = Evaluator(
      model, split, batch_size=10, num_threads=1, reads_batch=reads_batch
    ).evaluate(weights)
    losses.append(found['test/loss'])
  wanted = [  # Training mode: there is nothing random in this model.
    model.loss(
      tf.constant(weights), split.x[rows], split.y[rows], training=True
    )
    for rows in (slice(0, 10), slice(10, 20))
  ]
  np.testing.assert_allclose(losses[1], np.mean(wanted), rtol=1e-5)
  assert abs(losses[1] - losses[0]) > 1e-2
