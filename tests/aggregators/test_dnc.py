import numpy as np
import pytest
import server_cases
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators import dnc as dnc_lib


def reference(x, num_dropped):
  """One iteration over all coordinates, by a singular value decomposition."""
  x = x.astype(np.float64)
  centred = x - x.mean(axis=0)
  top = np.linalg.svd(centred, full_matrices=False)[2][0]
  scores = (centred @ top) ** 2
  kept = np.argsort(scores, kind='stable')[: len(x) - num_dropped]
  return x[kept].mean(axis=0), scores


@pytest.mark.parametrize('scale', [1.0, 1e-3, 1e-5, 1e-8])
def test_it_follows_the_singular_value_decomposition(scale):
  rng = np.random.default_rng(0)
  x = (scale * rng.standard_normal((12, 30))).astype(np.float32)
  wanted, scores = reference(x, 3)
  found = aggregators.build('dnc', num_byzantine=3)(x)
  np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6 * scale)
  np.testing.assert_allclose(dnc_lib._outlier_scores(x), scores, rtol=1e-6)


def test_a_line_of_rows_loses_its_end():
  x = np.array([[0.0], [1], [2], [3], [14]], np.float32)
  found = aggregators.build('dnc', num_byzantine=1)(x)
  np.testing.assert_allclose(found, [1.5], atol=1e-6)


@pytest.mark.parametrize('size', [1e6, 1e30])
def test_far_rows_that_agree_are_dropped(size):
  x = np.random.default_rng(1).standard_normal((10, 8)).astype(np.float32)
  x[[2, 5]] = size
  found = aggregators.build('dnc', num_byzantine=2, num_iterations=3)(x)
  benign = np.delete(x, [2, 5], axis=0)
  np.testing.assert_allclose(found, benign.mean(axis=0), atol=1e-5)


def test_more_iterations_keep_the_intersection():
  x = np.random.default_rng(2).standard_normal((12, 400)).astype(np.float32)
  given = server_cases.context()
  counts = []
  for iterations in (1, 6):
    rule = aggregators.build(
      'dnc', num_byzantine=3, num_iterations=iterations, num_coordinates=20
    )
    update, measured = server_cases.run(rule, x, given)
    counts.append(np.count_nonzero(measured['selected']))
    np.testing.assert_allclose(update, measured['selected'] @ x, atol=1e-5)
  assert counts[0] == 9 and counts[1] < 9


def test_an_empty_intersection_gives_the_zero_update():
  x = np.random.default_rng(3).standard_normal((5, 60)).astype(np.float32)
  rule = aggregators.build(
    'dnc',
    num_byzantine=2,
    num_iterations=20,
    num_coordinates=2,
    filter_factor=2.0,
  )
  update, measured = server_cases.run(rule, x, server_cases.context())
  np.testing.assert_array_equal(measured['selected'], np.zeros(5))
  np.testing.assert_array_equal(update, np.zeros(60))


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'num_byzantine': -1}, 'num_byzantine must be 0 or more; got -1'),
    ({'num_iterations': 0}, 'num_iterations must be 1 or more; got 0'),
    ({'num_coordinates': 0}, 'num_coordinates must be 1 or more; got 0'),
    ({'filter_factor': 0.0}, 'filter_factor must be above 0; got 0.0'),
  ],
)
def test_options_out_of_range_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    aggregators.build('dnc', **{'num_byzantine': 1, **options})


def test_the_fewest_clients_grow_with_what_is_dropped():
  assert aggregators.build('dnc', num_byzantine=3).minimum_clients == 7
  many = aggregators.build('dnc', num_byzantine=3, filter_factor=3.0)
  assert many.minimum_clients == 10
  with pytest.raises(ValueError, match=r'at least 10 clients.*got n=9'):
    many(tf.zeros([9, 2]))
