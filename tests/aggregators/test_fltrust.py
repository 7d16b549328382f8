import numpy as np
import pytest
import server_cases
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators import fltrust

ROOT = (np.zeros((3, 1), np.float32), np.zeros(3, np.int32))


def rooted(update, **given):
  """A context in which the server's own update is `update`."""
  update = np.asarray(update, np.float32)
  return server_cases.context(
    np.zeros(len(update)),
    root=given.pop('root', ROOT),
    train=lambda weights, x, y, seed: tf.constant(update),
    **given,
  )


def reference(x, g):
  x, g = x.astype(np.float64), np.asarray(g, np.float64)
  norms = np.linalg.norm(x, axis=1)
  total, result = 0.0, np.zeros_like(g)
  for row, norm in zip(x, norms):
    if norm and np.linalg.norm(g):
      trust = max(0.0, row @ g / norm / np.linalg.norm(g))
      total += trust
      result += trust * np.linalg.norm(g) / norm * row
  return result / total if total else result


def test_four_rows_worked_by_hand():
  x = np.array([[2, 0], [0, 3], [-1, 0], [3, 3]], np.float32)
  rule = aggregators.build('fltrust')
  update, measured = server_cases.run(rule, x, rooted([1, 0]))
  np.testing.assert_allclose(update, [0.87868, 0.29289], atol=1e-5)
  np.testing.assert_allclose(measured['trust'], [1, 0, 0, 0.70711], atol=1e-5)
  np.testing.assert_allclose(
    measured['selected'], [0.585786, 0, 0, 0.414214], atol=1e-5
  )


@pytest.mark.parametrize('scale', [1.0, 1e-3, 1e-5, 1e-8])
def test_it_follows_the_reference(scale):
  rng = np.random.default_rng(0)
  g = (rng.standard_normal(300) * scale).astype(np.float32)
  x = (g + 2 * scale * rng.standard_normal((12, 300))).astype(np.float32)
  found = aggregators.build('fltrust')(x, context=rooted(g))
  np.testing.assert_allclose(
    found, reference(x, g), rtol=1e-4, atol=1e-6 * scale
  )


@pytest.mark.parametrize('factor', [1e-6, 1000.0, 1e30])
def test_a_row_counts_the_same_at_any_length(factor):
  rng = np.random.default_rng(1)
  x = rng.standard_normal((6, 40)).astype(np.float32)
  rule, given = aggregators.build('fltrust'), rooted(x[0] + x[1])
  plain = rule(x, context=given)
  x[0] *= np.float32(factor)
  np.testing.assert_allclose(rule(x, context=given), plain, atol=1e-5)


@pytest.mark.parametrize(
  ('rows', 'root'),
  [
    ([[-1, 0], [-2, 0.5]], [1, 0]),
    ([[1, 0], [2, 0.5]], [0, 0]),
    ([[0, 0], [0, 0]], [1, 0]),
  ],
)
def test_nobody_to_trust_gives_the_zero_update(rows, root):
  found = aggregators.build('fltrust')(rows, context=rooted(root))
  np.testing.assert_array_equal(found, [0, 0])


def test_a_zero_row_has_no_trust_and_changes_nothing():
  given, rule = rooted([1, 1]), aggregators.build('fltrust')
  update, measured = server_cases.run(rule, [[0, 0], [1, 2]], given)
  np.testing.assert_allclose(update, rule([[1, 2]], context=given))
  np.testing.assert_array_equal(measured['selected'], [0, 1])


def test_it_trains_from_the_global_weights_with_the_seed():
  seen = {}

  def train(weights, x, y, seed):
    seen.update(weights=weights, x=x, y=y, seed=seed)
    return tf.constant([1.0, 0.0])

  given = server_cases.context([4.0, 5.0], root=ROOT, train=train)
  fltrust.root_update('fltrust', given)
  np.testing.assert_array_equal(seen['weights'], [4, 5])
  np.testing.assert_array_equal(seen['seed'], [3, 5])
  assert seen['x'].shape == (3, 1) and seen['y'].shape == (3,)


@pytest.mark.parametrize(
  ('given', 'message'),
  [
    ({}, 'fltrust needs at least 1 root example on the server; got no'),
    ({'root': (np.zeros((0, 2)), np.zeros(0))}, 'got an empty set of root'),
    ({'root': ROOT}, 'fltrust needs `train` in the server context; got None'),
  ],
)
def test_a_server_without_root_examples_is_refused(given, message):
  context = server_cases.context([0.0, 0.0], **given)
  with pytest.raises(ValueError, match=message):
    aggregators.build('fltrust')([[1.0, 2.0]], context=context)


@pytest.mark.parametrize(('has_view', 'passes'), [(False, 1), (True, 2)])
def test_it_goes_over_the_stack_once_but_for_a_view(
  has_view, passes, monkeypatch
):
  calls, cosines_to = [], fltrust.cosines_to

  def counted(rows, point):
    calls.append(rows.shape)
    return cosines_to(rows, point)

  monkeypatch.setattr(fltrust, 'cosines_to', counted)
  x = tf.constant([[2.0, 0, 1], [0, 3, 1]])
  rule = aggregators.build('fltrust', screened=False)
  given = rooted([1, 0, 0])
  if has_view:
    next_state = rule.scored_by(lambda rows: rows[:, :2])
    next_state((), x, tf.ones([2]), given)
  else:
    rule(x, context=given)
  assert len(calls) == passes


def test_it_says_that_it_needs_root_examples():
  assert aggregators.build('fltrust').needs == {'root'}


def test_it_compiles_under_xla():
  x = np.random.default_rng(2).standard_normal((5, 8)).astype(np.float32)
  rule, given = aggregators.build('fltrust', screened=False), rooted(x[0])
  found, _ = server_cases.run(rule, x, given, compiled=True)
  np.testing.assert_allclose(found, rule(x, context=given), atol=1e-6)
