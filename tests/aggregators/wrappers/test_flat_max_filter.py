import numpy as np
import pytest
import server_cases
import tensorflow as tf

from flsec.aggregators.wrappers.flat_max_filter import (
  FlatMaxFilter,
  torch_order,
)


def torch_vector(row):
  """The weights of a 4-3-2 network as PyTorch flattens them."""
  first, bias = row[:12].reshape(4, 3), row[12:15]
  second, last = row[15:21].reshape(3, 2), row[21:]
  return np.concatenate([first.T.ravel(), bias, second.T.ravel(), last])


@pytest.fixture
def case():
  layout = server_cases.dense_layout((4, 3), (3, 2))
  x = np.random.default_rng(0).standard_normal((3, 23)).astype(np.float32)
  return layout, x


def test_the_vector_is_in_torch_order_without_the_last_bias(case):
  layout, x = case
  order, width = torch_order(layout)
  assert width == 3
  np.testing.assert_array_equal(x[0][order], torch_vector(x[0])[:-2])


def test_patches_are_cut_from_rows_of_the_hidden_width(case):
  layout, x = case
  found = FlatMaxFilter(2)(tf.constant(x), layout)
  flat = torch_vector(x[1])[:21].reshape(7, 3)
  wanted = [flat[i : i + 2, :2].max() for i in (0, 2, 4)]
  np.testing.assert_array_equal(found[1], wanted)


def test_restored_maxima_stay_at_their_places_and_the_last_bias_too(case):
  layout, x = case
  found = FlatMaxFilter(2, restores_size=True)(tf.constant(x), layout).numpy()
  pooled = FlatMaxFilter(2)(tf.constant(x), layout).numpy()
  assert found.shape == x.shape
  np.testing.assert_array_equal(found[:, 21:], x[:, 21:])
  is_left = found[:, :21] != 0
  np.testing.assert_array_equal(is_left.sum(axis=1), [3, 3, 3])
  np.testing.assert_array_equal(found[:, :21][is_left], x[:, :21][is_left])
  for row, maxima in zip(found[:, :21], pooled):
    np.testing.assert_array_equal(np.sort(row[row != 0]), np.sort(maxima))


@pytest.mark.parametrize(
  ('layout', 'message'),
  [
    (server_cases.dense_layout((3, 3, 1, 4)), 'got the conv layer'),
    (server_cases.dense_layout((4, 3), has_bias=False), 'layers with a bias'),
    (
      server_cases.dense_layout((4, 3), (3, 2), (2, 4)),
      "first layer's 3 units; its 31 weights",
    ),
  ],
)
def test_other_models_are_refused(layout, message):
  with pytest.raises(ValueError, match=message):
    FlatMaxFilter(2)(tf.zeros([1, layout.size]), layout)


def test_a_patch_wider_than_the_rows_is_refused(case):
  with pytest.raises(ValueError, match=r'layout of 7 x 3\. Take at most 3'):
    FlatMaxFilter(4)(tf.zeros([1, 23]), case[0])
