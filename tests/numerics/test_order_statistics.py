"""Ranks by a sorting network against NumPy's sort."""

import itertools

import numpy as np
import pytest
import rule_references as reference
import tensorflow as tf

from flsec.numerics import backend, columns, order_statistics


def rows(clients, dimension=6, seed=0):
  x = np.random.default_rng(seed).standard_normal((clients, dimension))
  # Rounded, so that some are equal and halves are exact.
  return (np.round(x * 8) / 8).astype(np.float32)


@pytest.mark.parametrize('wires', range(1, 9))
def test_the_network_sorts_every_pattern_of_zeros_and_ones(wires):
  # By the 0-1 principle, it then sorts everything.
  patterns = np.array(list(itertools.product([0, 1], repeat=wires))).T
  run = [row.copy() for row in patterns]
  for one in order_statistics.sorting_network(wires):
    low, high = run[one.low], run[one.high]
    run[one.low], run[one.high] = np.minimum(low, high), np.maximum(low, high)
  np.testing.assert_array_equal(run, np.sort(patterns, axis=0))


@pytest.mark.parametrize(
  ('wires', 'comparators'), [(1, 0), (2, 1), (4, 5), (8, 19), (16, 63)]
)
def test_the_network_is_of_batchers_size(wires, comparators):
  # (p^2 - p + 4) 2^(p - 2) - 1 of 2^p wires (Knuth, volume 3, 5.3.4).
  assert len(order_statistics.sorting_network(wires)) == comparators


@pytest.mark.parametrize('clients', [1, 2, 5, 8])
def test_every_range_of_ranks(clients):
  x = rows(clients)
  ranked = np.sort(x.astype(np.float64), axis=0)
  for first in range(clients):
    for last in range(first, clients):
      np.testing.assert_allclose(
        order_statistics.mean_of_ranks(tf.constant(x), first, last),
        ranked[first : last + 1].mean(axis=0),
        rtol=1e-6,
        atol=1e-6,
      )


def test_a_selection_network_leaves_comparators_out():
  whole = order_statistics.sorting_network(80)
  middle = order_statistics.selection_network(80, 39, 40)
  everything = order_statistics.selection_network(80, 0, 79)
  assert len(middle) < len(whole)
  assert not all(one.keeps_low and one.keeps_high for one in middle)
  assert everything == ()  # A sum of all needs no order.


@pytest.mark.parametrize('clients', [128, 129, 131])
def test_medians_on_both_sides_of_the_largest_network(clients):
  x = rows(clients, seed=1)
  np.testing.assert_allclose(
    order_statistics.median(tf.constant(x)), np.median(x, axis=0), atol=1e-6
  )


def test_several_blocks_of_columns(monkeypatch):
  monkeypatch.setattr(columns, 'BLOCK_SIZE', 1)
  x = rows(5, dimension=2500, seed=2)
  np.testing.assert_allclose(
    order_statistics.median(tf.constant(x)), np.median(x, axis=0), atol=1e-6
  )


@pytest.mark.parametrize('clients', [1, 2, 6, 9, 130])
def test_means_near_the_median(clients):
  x = rows(clients, seed=3)
  for count in {1, (clients + 1) // 2, clients}:
    np.testing.assert_allclose(
      order_statistics.mean_nearest_median(tf.constant(x), count),
      reference.mean_nearest_median(x, count),
      atol=1e-5,
    )


@pytest.mark.parametrize('clients', [5, 8, 9])
def test_a_number_of_rows_known_late_to_xla(clients):
  x = rows(clients, seed=4)
  late = tf.function(
    lambda x: order_statistics.mean_nearest_median(x, tf.shape(x)[0] - 2),
    input_signature=[tf.TensorSpec([None, 6])],
    autograph=False,
    jit_compile=True,
  )
  np.testing.assert_allclose(
    late(x), reference.mean_nearest_median(x, clients - 2), atol=1e-6
  )


def test_a_number_of_rows_known_late():
  x = rows(9, seed=4)
  late = tf.function(
    lambda x, count: order_statistics.mean_nearest_median(x, count),
    input_signature=[tf.TensorSpec([None, 6]), tf.TensorSpec([], tf.int32)],
    autograph=False,
  )
  for count in (1, 2, 4, 7, 9):
    np.testing.assert_allclose(
      late(x, count), reference.mean_nearest_median(x, count), atol=1e-6
    )


def test_a_tie_around_the_median_takes_the_lower_value():
  x = tf.constant([[0.0], [3.0], [1.0], [2.0]])  # The median is 1.5.
  assert order_statistics.mean_nearest_median(x, 1) == 1.0
  assert order_statistics.mean_nearest_median(x, 3) == 1.0


def test_only_chosen_rows_are_looked_at():
  x = rows(7, seed=5)
  chosen = [0, 3, 4, 6]
  np.testing.assert_allclose(
    order_statistics.mean_of_ranks(tf.constant(x), 1, 2, tf.constant(chosen)),
    np.median(x[chosen], axis=0),
    atol=1e-6,
  )
  np.testing.assert_allclose(
    order_statistics.mean_nearest_median(
      tf.constant(x), 2, tf.constant(chosen)
    ),
    reference.mean_nearest_median(x[chosen], 2),
    atol=1e-6,
  )


def test_with_an_accelerator_blocks_are_sorted_also_under_xla(monkeypatch):
  monkeypatch.setattr(backend, 'has_accelerator', lambda: True)
  x = rows(80, seed=6)
  run = tf.function(
    lambda x: (
      order_statistics.median(x),
      order_statistics.mean_nearest_median(x, 64),
    ),
    autograph=False,
    jit_compile=True,
  )
  median, near = run(tf.constant(x))
  np.testing.assert_allclose(median, np.median(x, axis=0), atol=1e-6)
  np.testing.assert_allclose(
    near, reference.mean_nearest_median(x, 64), atol=1e-5
  )


@pytest.mark.parametrize('clients', [2, 9, 15, 130])
@pytest.mark.parametrize('static', [True, False])
def test_means_near_the_end_of_float32_are_finite(clients, static):
  # Sums of them are not.
  values = 3e38 * np.random.default_rng(0).uniform(0.9, 1.0, [clients, 5])
  values[:, 1] *= -1
  values[: clients // 2, 2] *= -1
  values = values.astype(np.float32)
  count = max(1, clients - 2)
  first = (clients - count) // 2
  functions = (
    (lambda rows: order_statistics.mean_of_ranks(rows, first, clients - 1)),
    (lambda rows: order_statistics.mean_nearest_median(rows, count)),
    order_statistics.median,
  )
  exact = values.astype(np.float64)
  ranked = np.sort(exact, axis=0)
  wanted = (
    ranked[first:].mean(axis=0),
    reference.mean_nearest_median(exact, count),
    np.median(exact, axis=0),
  )
  for function, value in zip(functions, wanted):
    if static:
      found = function(tf.constant(values))
    else:
      spec = tf.TensorSpec([None, 5], tf.float32)
      found = tf.function(function, input_signature=[spec])(values)
    np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e33)


@pytest.mark.parametrize('clients', [3, 8, 9, 100, 129])
def test_means_of_a_number_known_late_are_finite_at_the_end_too(clients):
  @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, 2])])
  def means(rows):
    count = tf.shape(rows)[0]
    return (
      order_statistics.mean_of_ranks(rows, tf.constant(0), count - 1),
      order_statistics.mean_nearest_median(rows, count),
    )

  largest = np.finfo(np.float32).max
  values = np.tile(np.float32([largest, -largest]), [clients, 1])
  for found in means(values):
    # As many roundings as rows.
    np.testing.assert_allclose(found, values[0], rtol=clients * 2.0**-24)


def test_means_of_a_number_known_late_keep_all_digits_of_small_values():
  @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, 2])])
  def mean(rows):
    last = tf.shape(rows)[0] - 1
    return order_statistics.mean_of_ranks(rows, tf.constant(0), last)

  # Scaled by 2^-7, as 100 rows need, they are float32's least normal number;
  # by more some of their digits would be lost.
  value = np.float32((1 + 2.0**-17) * 2.0**-119)
  values = np.tile(np.float32([value, -value]), [100, 1])
  np.testing.assert_allclose(mean(values), values[0], rtol=100 * 2.0**-24)


@pytest.mark.parametrize('scale', [1e-30, 1e-8, 1.0, 1e8, 1e30])
def test_a_mean_is_as_exact_at_every_scale(scale):
  values = rows(9) * np.float32(scale)
  found = order_statistics.mean_of_ranks(tf.constant(values), 1, 7)
  kept = np.sort(values.astype(np.float64), axis=0)[1:8]
  bound = 8 * np.finfo(np.float32).eps * np.abs(kept).mean(axis=0)
  assert np.all(np.abs(found - kept.mean(axis=0)) <= bound)


@pytest.mark.parametrize('dimension', [6, 70_000])  # One block, and several.
@pytest.mark.parametrize('size', [5, None])
def test_values_keep_their_type(dimension, size):
  x = rows(5, dimension).astype(np.float64)
  spec = tf.TensorSpec([size, dimension], tf.float64)

  @tf.function(autograph=False, input_signature=[spec])
  def both(values):
    return (
      order_statistics.median(values),
      order_statistics.mean_nearest_median(values, 3),
    )

  median, nearest = both(x)
  assert median.dtype == nearest.dtype == tf.float64
  np.testing.assert_array_equal(median, np.median(x, axis=0))
  middle = np.median(x, axis=0)
  # Of equally close values the lower one counts.
  order = np.lexsort((x, np.abs(x - middle)), axis=0)[:3]
  np.testing.assert_allclose(
    nearest, np.take_along_axis(x, order, axis=0).mean(axis=0), rtol=1e-12
  )
