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
  for rows in (2, 4):
    with pytest.raises(ValueError, match=rf'num_clients=3 .*; got n={rows}'):
      rule(np.ones((rows, 2), np.float32))


class TestHistory:
  """Of ten clients, some of which take part in a round."""

  def _rounds(self, given, *, num_clients=10):
    """Runs rounds of (ids, rows); returns the state and the last shares."""
    rule = aggregators.build('foolsgold', num_clients=num_clients)
    state = rule.initialize(6)
    step = tf.function(
      lambda state, ids, x: rule.next(
        state, x, tf.ones(tf.shape(x)[0]), server_cases.context(client_ids=ids)
      ),
      autograph=False,
    )
    for ids, x in given:
      state, _, measured = step(state, tf.constant(ids), tf.constant(x))
    return state.numpy(), measured['selected'].numpy()

  def _given(self):
    rng = np.random.default_rng(4)
    ids = [[0, 3, 5, 9], [1, 3, 4, 5], [0, 4, 5, 9]]
    rows = rng.standard_normal((3, 4, 6)).astype(np.float32)
    return list(zip(ids, rows + rng.standard_normal(6).astype(np.float32)))

  def test_is_each_clients_own(self):
    given = self._given()
    history = np.zeros((10, 6))
    for ids, x in given:
      history[ids] += x
    state, selected = self._rounds(given)
    np.testing.assert_allclose(state, history, atol=1e-5)
    weights = reference_weights(history[given[-1][0]])
    np.testing.assert_allclose(selected, weights / weights.sum(), atol=1e-4)

  @pytest.mark.parametrize('value', [np.nan, np.inf])
  def test_of_a_dropped_row_stays_as_it_was(self, value):
    given = self._given()
    given[1][1][2, 3] = value  # Client 4's.
    state, selected = self._rounds(given)
    history = np.zeros((10, 6))
    for ids, x in given:
      taken = np.isfinite(x).all(axis=1)
      history[np.array(ids)[taken]] += x[taken]
    np.testing.assert_allclose(state, history, atol=1e-5)
    weights = reference_weights(history[given[-1][0]])
    np.testing.assert_allclose(selected, weights / weights.sum(), atol=1e-4)

  def test_of_rows_without_ids_goes_by_their_place(self):
    x = np.eye(3, dtype=np.float32)
    x[1] = np.nan
    update, selected = rounds(
      aggregators.build('foolsgold', num_clients=3),
      [np.eye(3, dtype=np.float32), x],
    )
    np.testing.assert_allclose(selected, [0.5, 0, 0.5], atol=1e-6)
    np.testing.assert_allclose(update, [0.5, 0, 0.5], atol=1e-6)


def test_it_compiles_under_xla():
  x = np.random.default_rng(2).standard_normal((4, 6)).astype(np.float32)
  rule = aggregators.build('foolsgold', num_clients=4, screened=False)
  found, _ = rounds(rule, [x, x[::-1]], compiled=True)
  np.testing.assert_allclose(found, rounds(rule, [x, x[::-1]])[0], atol=1e-5)
