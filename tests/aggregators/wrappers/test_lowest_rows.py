import numpy as np
import pytest
import tensorflow as tf

from flsec.aggregators.wrappers import lowest_rows
from flsec.numerics import backend

N, F = 60, 12


def draw(kind, n=N, f=F, width=7):
  rng = np.random.default_rng(8)
  x = rng.standard_normal((n, width))
  if kind == 'apart':
    x[:f] += 1.0
  if kind.startswith('far'):
    x[:f] *= float(kind[3:])
  if kind == 'heavy tails':
    x = rng.standard_cauchy((n, width))
  if kind == 'whole numbers':  # With ties; exact in any order of adding up.
    x = rng.integers(-1, 2, (n, width)).astype(np.float64)
  if kind == 'equal':
    x[:] = x[0]
  if kind == 'close':  # Around a point that is far from the origin.
    x = np.round(1e6 * x) * 1e-12
    x[f:] += 1.0
  if kind == 'tiny':
    x *= 1e-30
  return x


KINDS = (
  'normal',
  'apart',
  'far1e3',
  'far1e6',
  'far1e25',
  'heavy tails',
  'whole numbers',
  'equal',
  'close',
  'tiny',
)


def scores(x, num_added):
  """Krum's in float64, from the differences themselves."""
  squares = ((x[:, None] - x[None]) ** 2).sum(axis=2)
  return np.sort(squares, axis=1)[:, :num_added].sum(axis=1)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize(
  ('num_added', 'num_kept'),
  [
    (N - F - 1, N - F),
    (N - F - 1, N - 2 * F),
    (F + 1, F + 2),
    (1, 1),
    (N - 1, N),
  ],
)
def test_the_lowest_are_those_of_the_reference(kind, num_added, num_kept):
  x = draw(kind)
  found = lowest_rows.lowest(tf.constant(x), num_added, num_kept).numpy()
  wanted = np.zeros(N, bool)
  order = np.argsort(scores(x, num_added), kind='stable')
  wanted[order[:num_kept]] = True
  np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('num_added', [1, F + 1, N - F - 1, N - 1])
def test_scores_lie_between_their_bounds(kind, num_added):
  x = draw(kind)
  squares = tf.constant((x**2).sum(axis=1))
  low, high = lowest_rows._bounds(tf.constant(x), squares, num_added)
  exact = scores(x, num_added)
  slack = 1e-12 * (exact + num_added * squares.numpy())  # Of float64.
  assert (low.numpy() <= exact + slack).all()
  assert (exact <= high.numpy() + slack).all()


@pytest.mark.parametrize('kind', ['normal', 'apart', 'far1e3', 'far1e6'])
def test_few_rows_are_in_doubt(monkeypatch, kind):
  asked = []
  of_some = lowest_rows._scores

  def watched(rows, squares, places, num_added):
    asked.append(len(places))
    return of_some(rows, squares, places, num_added)

  monkeypatch.setattr(lowest_rows, '_scores', watched)
  x = draw(kind, 600, 120, 40)
  lowest_rows.lowest(tf.constant(x), 600 - 120 - 1, 600 - 120)
  assert 0 < asked[0] < 150


def test_what_float32_does_not_hold_is_not_bounded():
  x = draw('tiny')
  squares = tf.constant((x**2).sum(axis=1))
  low, high = lowest_rows._bounds(tf.constant(x), squares, 10)
  assert np.isneginf(low).all()
  assert np.isposinf(high).all()


@pytest.mark.parametrize(
  ('shape', 'wanted'),
  [
    ((2, 512, 100), True),
    ((2, 511, 100), False),
    ((2, None, 100), False),
    ((2, 512, 1025), False),
  ],
)
def test_many_rows_and_few_columns_are_worth_it(monkeypatch, shape, wanted):
  rows = tf.keras.Input(shape[1:], shape[0], dtype=tf.float64)
  assert lowest_rows.are_worth_it(rows) is wanted
  monkeypatch.setattr(backend, 'has_accelerator', lambda: True)
  assert not lowest_rows.are_worth_it(rows)
