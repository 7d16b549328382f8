"""Batch and group normalisation against NumPy in float64."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.models.closed_form_norms import (
  batch_normalization,
  group_normalization,
)

EPSILON = 1e-3


def reference(x, gamma, beta, groups):
  x = np.asarray(x, np.float64)
  grouped = x.reshape(len(x), -1, groups, x.shape[-1] // groups)
  mean = grouped.mean(axis=(1, 3), keepdims=True)
  variance = grouped.var(axis=(1, 3), keepdims=True)
  scaled = (grouped - mean) / np.sqrt(variance + EPSILON)
  return scaled.reshape(x.shape) * gamma + beta


@pytest.mark.parametrize('groups', [1, 2, 6])
def test_values(groups):
  generator = np.random.default_rng(groups)
  x = generator.normal(5.0, 2.0, size=[4, 3, 2, 6]).astype(np.float32)
  gamma, beta = generator.normal(size=[2, 6]).astype(np.float32)
  found = group_normalization(
    tf.constant(x), gamma, beta, groups=groups, epsilon=EPSILON
  )
  assert found.shape == x.shape
  np.testing.assert_allclose(
    found, reference(x, gamma, beta, groups), rtol=1e-4, atol=1e-4
  )


def batch_reference(x, gamma, beta, mask):
  x = np.asarray(x, np.float64)
  real = x[np.asarray(mask) > 0].reshape(-1, x.shape[-1])
  mean, variance = real.mean(axis=0), real.var(axis=0)
  return (x - mean) / np.sqrt(variance + EPSILON) * gamma + beta


@pytest.mark.parametrize('mask', [None, [1.0, 1.0, 0.0, 1.0]])
@pytest.mark.parametrize('shape', [(6,), (3, 2, 6)])
def test_batch_values(mask, shape):
  generator = np.random.default_rng(0)
  x = generator.normal(5.0, 2.0, size=[4, *shape]).astype(np.float32)
  gamma, beta = generator.normal(size=[2, 6]).astype(np.float32)
  y, mean, variance, count = batch_normalization(
    tf.constant(x),
    gamma,
    beta,
    mask=None if mask is None else tf.constant(mask),
    epsilon=EPSILON,
  )
  mask = mask or [1.0] * 4
  real = x[np.asarray(mask) > 0].reshape(-1, 6)
  np.testing.assert_allclose(
    y, batch_reference(x, gamma, beta, mask), rtol=1e-4, atol=1e-4
  )
  np.testing.assert_allclose(mean, real.mean(axis=0), rtol=1e-5)
  np.testing.assert_allclose(variance, real.var(axis=0), rtol=1e-4)
  assert float(count) == len(real)


def slopes(loss, given):
  """Returns the derivative of `loss(*given)` by each entry of each array."""
  found = []
  for position, value in enumerate(given):
    slope = np.zeros(value.shape)
    for index in np.ndindex(*value.shape):
      ends = []
      for step in (-1e-5, 1e-5):
        moved = [array.copy() for array in given]
        moved[position][index] += step
        ends.append(loss(*moved))
      slope[index] = (ends[1] - ends[0]) / 2e-5
    found.append(slope)
  return found


@pytest.mark.parametrize('mask', ['groups', [1.0, 1.0, 1.0], [1.0, 0.0, 1.0]])
def test_gradients_are_slopes_of_the_values(mask):
  generator = np.random.default_rng(0)
  x, target = generator.normal(size=[2, 3, 2, 4])
  gamma, beta = generator.normal(size=[2, 4])
  if mask == 'groups':
    run = lambda *given: group_normalization(*given, groups=2, epsilon=EPSILON)
    wanted = lambda x, gamma, beta: reference(x, gamma, beta, 2)
  else:
    target[np.asarray(mask) == 0] = 0.0  # Padding has no loss.
    run = lambda *given: batch_normalization(
      *given, mask=tf.constant(mask), epsilon=EPSILON
    )[0]
    wanted = lambda x, gamma, beta: batch_reference(x, gamma, beta, mask)
  tensors = [tf.constant(v, tf.float32) for v in (x, gamma, beta)]
  with tf.GradientTape() as tape:
    tape.watch(tensors)
    total = tf.reduce_sum(run(*tensors) * tf.cast(target, tf.float32))
  loss = lambda *given: np.sum(wanted(*given) * target)
  for found, slope in zip(
    tape.gradient(total, tensors), slopes(loss, [x, gamma, beta])
  ):
    np.testing.assert_allclose(found, slope, rtol=1e-3, atol=1e-4)


def test_a_channel_far_from_0_keeps_its_digits():
  x = 1e4 + np.random.default_rng(0).normal(size=[1, 500, 2])
  x = x.astype(np.float32)
  found = group_normalization(
    tf.constant(x), tf.ones([2]), tf.zeros([2]), groups=1, epsilon=EPSILON
  )
  wanted = reference(x, np.ones(2), np.zeros(2), 1)
  np.testing.assert_allclose(found, wanted, atol=5e-3)


def test_batches_of_unknown_size_keep_their_known_sides():
  @tf.function(input_signature=[tf.TensorSpec([None, 4, 4, 6])])
  def run(x):
    outputs = group_normalization(
      x, tf.ones([6]), tf.zeros([6]), groups=3, epsilon=EPSILON
    )
    assert outputs.shape.as_list() == [None, 4, 4, 6]
    return outputs

  assert run(tf.ones([2, 4, 4, 6])).shape == [2, 4, 4, 6]
