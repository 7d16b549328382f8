import numpy as np
import pytest
import server_cases
import tensorflow as tf

from flsec.aggregators import leave_one_out
from flsec.aggregators.mean import mean
from flsec.aggregators.median import median


def evaluate(rule, x, weights=None):
  given, vx, vy, start = server_cases.validating()
  x = tf.constant(x, tf.float32)
  weights = tf.ones(len(x)) if weights is None else tf.constant(weights)
  errors, losses = leave_one_out.losses_of_clients(
    rule, (), x, weights, given, given.validation
  )
  expect = lambda w: server_cases.loss_and_errors(w, vx, vy)
  return errors.numpy(), losses.numpy(), lambda update: expect(start + update)


@pytest.mark.parametrize('rule', [mean(), median(), None])
def test_models_are_those_of_the_others_or_of_the_client(rule):
  x = np.random.default_rng(0).standard_normal((5, 12)).astype(np.float32)
  errors, losses, expect = evaluate(rule, x)
  for i in range(5):
    others = np.delete(x, i, axis=0)
    update = x[i]
    if rule is not None:
      inside = {'mean': np.mean, 'median': np.median}[rule.name]
      update = inside(others, axis=0)
    loss, wrong = expect(update)
    np.testing.assert_allclose(losses[i], loss, rtol=1e-5)
    assert errors[i] == wrong


def test_a_far_row_leaves_no_trace_once_it_is_out():
  x = np.random.default_rng(1).standard_normal((4, 12)).astype(np.float32)
  x[2] = 1e30
  _, losses, expect = evaluate(mean(), x)
  wanted, _ = expect(np.delete(x, 2, axis=0).mean(axis=0))
  np.testing.assert_allclose(losses[2], wanted, rtol=1e-5)


def test_weights_count_in_the_mean_of_the_others():
  x = np.random.default_rng(2).standard_normal((3, 12)).astype(np.float32)
  _, losses, expect = evaluate(mean(), x, np.float32([1, 3, 5]))
  wanted, _ = expect((1 * x[0] + 5 * x[2]) / 6)
  np.testing.assert_allclose(losses[1], wanted, rtol=1e-5)


def test_a_model_that_is_not_finite_is_all_wrong():
  logits = tf.constant([[np.nan, 1.0], [np.inf, 0.0], [1.0, 0.0]])
  errors, loss = leave_one_out._error_and_loss(logits, np.array([0, 0, 0]))
  assert errors == 2 and np.isposinf(loss)
