import numpy as np
import pytest
import server_cases
import tensorflow as tf

from flsec import aggregators


def reference_weights(history, confidence=1.0):
  """The published algorithm, loop by loop, in float64."""
  n = len(history)
  unit = history / np.linalg.norm(history, axis=1, keepdims=True)
  cosines = unit @ unit.T
  np.fill_diagonal(cosines, 0.0)
  most = cosines.max(axis=1)
  for i in range(n):
    for j in range(n):
      if i != j and most[i] < most[j]:
        cosines[i, j] *= most[i] / most[j]
  weights = np.clip(1 - cosines.max(axis=1), 0, 1)
  weights /= weights.max()
  with np.errstate(divide='ignore'):
    logit = confidence * (np.log(weights / (1 - weights)) + 0.5)
  return np.clip(logit, 0, 1)


def rounds(rule, stacks, compiled=False):
  """Runs several rounds; returns the last (update, selected)."""
  state = rule.initialize(stacks[0].shape[1])
  step = tf.function(
    lambda state, x: rule.next(
      state, x, tf.ones(x.shape[0]), server_cases.context()
    ),
    autograph=False,
    jit_compile=compiled,
  )
  for x in stacks:
    state, update, measured = step(state, tf.constant(x, tf.float32))
  return update.numpy(), measured['selected'].numpy()


@pytest.mark.parametrize('confidence', [1.0, 0.5])
@pytest.mark.parametrize('scale', [1.0, 1e-8])
def test_it_follows_the_published_algorithm_over_rounds(confidence, scale):
  rng = np.random.default_rng(0)
  common = rng.standard_normal(20)
  stacks = [
    (scale * (common + 1.5 * rng.standard_normal((7, 20)))).astype(np.float32)
    for _ in range(3)
  ]
  rule = aggregators.build('foolsgold', num_clients=7, confidence=confidence)
  update, selected = rounds(rule, stacks)
  weights = reference_weights(
    np.sum(stacks, axis=0, dtype=np.float64), confidence
  )
  weights /= weights.sum()
  np.testing.assert_allclose(selected, weights, atol=1e-4)
  np.testing.assert_allclose(update, weights @ stacks[-1], atol=1e-4 * scale)


def test_clients_that_send_the_same_get_no_weight():
  x = np.eye(5, dtype=np.float32)
  x[4] = x[3]
  update, selected = rounds(aggregators.build('foolsgold', num_clients=5), [x])
  np.testing.assert_allclose(selected, [1 / 3, 1 / 3, 1 / 3, 0, 0], atol=1e-6)
  np.testing.assert_allclose(update, [1 / 3, 1 / 3, 1 / 3, 0, 0], atol=1e-6)


def test_what_counts_is_the_past_and_not_the_last_round():
  first = np.zeros((3, 4), np.float32)
  first[0, 0] = first[1, 0] = first[2, 1] = 10
  second = np.eye(3, 4, dtype=np.float32)
  rule = aggregators.build('foolsgold', num_clients=3)
  _, selected = rounds(rule, [second])
  np.testing.assert_allclose(selected, np.full(3, 1 / 3), atol=1e-6)
  _, selected = rounds(rule, [first, second])
  assert selected[2] > 0.9


@pytest.mark.parametrize('rows', [np.ones((4, 3)), np.zeros((4, 3))])
def test_identical_rows_give_a_finite_result(rows):
  rule = aggregators.build('foolsgold', num_clients=4)
  update, _ = rounds(rule, [rows.astype(np.float32)] * 2)
  np.testing.assert_array_equal(update, np.zeros(3))


def test_a_single_client_is_taken_as_it_is():
  update, _ = rounds(
    aggregators.build('foolsgold', num_clients=1),
    [np.array([[3.0, -4.0]], np.float32)],
  )
  np.testing.assert_allclose(update, [3, -4])


def test_far_rows_do_not_break_the_history():
  rng = np.random.default_rng(1)
  x = rng.standard_normal((4, 6)).astype(np.float32)
  far = x.copy()
  far[0] = 3e38
  rule = aggregators.build('foolsgold', num_clients=4, screened=False)
  _, selected = rounds(rule, [far, far, x])
  assert np.all(np.isfinite(selected)) and selected.sum() > 0.99


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'num_clients': 0}, 'num_clients must be 1 or more; got 0'),
    ({'num_clients': 3, 'confidence': 0.0}, 'confidence must be above 0'),
  ],
)
def test_options_out_of_range_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    aggregators.build('foolsgold', **options)


def test_another_number_of_clients_is_refused():
  rule = aggregators.build('foolsgold', num_clients=3)
  with pytest.raises(ValueError, match='num_clients=3 clients; got n=4 rows'):
    rule(np.ones((4, 2), np.float32))
  with pytest.raises(ValueError, match=r'at least 3 clients.*got n=2'):
    rule(np.ones((2, 2), np.float32))


def test_a_dropped_row_falls_under_the_policy():
  x = np.eye(3, dtype=np.float32)
  x[1] = np.nan
  skipping = aggregators.build('foolsgold', num_clients=3, on_too_few='skip')
  update, _ = rounds(skipping, [np.eye(3, dtype=np.float32), x])
  np.testing.assert_array_equal(update, np.zeros(3))


def test_it_compiles_under_xla():
  x = np.random.default_rng(2).standard_normal((4, 6)).astype(np.float32)
  rule = aggregators.build('foolsgold', num_clients=4, screened=False)
  found, _ = rounds(rule, [x, x[::-1]], compiled=True)
  np.testing.assert_allclose(found, rounds(rule, [x, x[::-1]])[0], atol=1e-5)
