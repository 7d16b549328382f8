import numpy as np
import pytest
import server_cases
import tensorflow as tf

from flsec.aggregators.wrappers.max_filter import MaxFilter, filter_patches
from flsec.models.layout import Layer, Layout, Span

MATRIX = np.array(
  [[1, -5, 2, 0, 9], [3, 0, -1, -2, 7], [-4, -6, 5, 1, 8], [-3, -2, 4, 6, -9]],
  np.float32,
)


def reference(matrix, k, restore):
  """The filter of one matrix, patch by patch."""
  tall, wide = min(k, matrix.shape[0]), min(k, matrix.shape[1])
  down, across = matrix.shape[0] // tall, matrix.shape[1] // wide
  pooled, restored = np.zeros((down, across)), np.zeros_like(matrix)
  for i in range(down):
    for j in range(across):
      rows, cols = (
        slice(i * tall, (i + 1) * tall),
        slice(j * wide, (j + 1) * wide),
      )
      patch = matrix[rows, cols]
      pooled[i, j] = patch.max()
      place = np.unravel_index(patch.argmax(), patch.shape)
      restored[rows, cols][place] = patch.max()
  return restored if restore else pooled


def test_a_matrix_worked_by_hand():
  pooled = filter_patches(
    tf.constant(MATRIX[None]), (2, 2), restores_size=False
  )
  np.testing.assert_array_equal(pooled[0], [[3, 2], [-2, 6]])
  restored = filter_patches(
    tf.constant(MATRIX[None]), (2, 2), restores_size=True
  )
  wanted = np.zeros((4, 5))
  wanted[1, 0], wanted[0, 2], wanted[3, 1], wanted[3, 3] = 3, 2, -2, 6
  np.testing.assert_array_equal(restored[0], wanted)


def test_of_equal_entries_the_first_stays():
  matrix = np.ones((1, 4, 4), np.float32)
  restored = filter_patches(tf.constant(matrix), (2, 2), restores_size=True)
  wanted = np.zeros((4, 4))
  wanted[::2, ::2] = 1
  np.testing.assert_array_equal(restored[0], wanted)


@pytest.mark.parametrize('k', [1, 2, 3, 5])
@pytest.mark.parametrize('restore', [False, True])
def test_every_layer_is_filtered_by_itself(k, restore):
  layout = server_cases.dense_layout((7, 5), (5, 6), has_bias=False)
  x = np.random.default_rng(0).standard_normal((3, 65)).astype(np.float32)
  found = MaxFilter(k, restores_size=restore)(tf.constant(x), layout)
  for row, result in zip(x, found):
    parts = [
      reference(row[:35].reshape(7, 5), k, restore),
      reference(row[35:].reshape(5, 6), k, restore),
    ]
    wanted = np.concatenate([part.ravel() for part in parts])
    np.testing.assert_array_equal(result, wanted)


def test_a_convolution_is_a_matrix_of_its_output_channels():
  layout = server_cases.dense_layout((3, 3, 2, 4), has_bias=False)
  x = np.random.default_rng(1).standard_normal((2, 72)).astype(np.float32)
  found = MaxFilter(3)(tf.constant(x), layout)
  assert found.shape == (2, 6)
  wanted = reference(x[0].reshape(18, 4), 3, False)
  np.testing.assert_array_equal(found[0], wanted.ravel())


@pytest.mark.parametrize('restore', [False, True])
@pytest.mark.parametrize(
  ('mode', 'pooled', 'restored'),
  [
    ('drop', [], [0, 0, 0, 0, 0]),
    ('keep', [3, 9, 4, 1, 7], [3, 9, 4, 1, 7]),
    ('pool', [9, 4], [0, 9, 4, 0, 0]),
  ],
)
def test_biases_are_dropped_kept_or_pooled(mode, pooled, restored, restore):
  layout = server_cases.dense_layout((2, 5))
  x = np.concatenate([np.arange(10), [3, 9, 4, 1, 7]])[None].astype(np.float32)
  found = MaxFilter(2, mode, restore)(tf.constant(x), layout)[0].numpy()
  wanted = restored if restore else pooled
  np.testing.assert_array_equal(found[10 if restore else 2 :], wanted)


def test_patches_of_one_entry_change_nothing():
  layout = server_cases.dense_layout((4, 3), (3, 2))
  x = np.random.default_rng(2).standard_normal((2, 23)).astype(np.float32)
  for restore in (False, True):
    found = MaxFilter(1, 'keep', restore)(tf.constant(x), layout)
    np.testing.assert_array_equal(found, x)


def test_as_many_entries_are_left_as_there_are_patches():
  layout = server_cases.dense_layout((8, 6), has_bias=False)
  x = np.random.default_rng(3).standard_normal((4, 48)).astype(np.float32)
  restored = MaxFilter(3, restores_size=True)(tf.constant(x), layout)
  np.testing.assert_array_equal(np.count_nonzero(restored, axis=1), [4] * 4)


def test_opposite_updates_look_alike():
  # The largest of nine standard normals has a mean of 1.485 and a variance of
  # 0.357 (tables of order statistics): unrelated rows have a cosine of
  # 1.485^2 / (1.485^2 + 0.357) = 0.861. Opposite ones had 0.849 in a simulation
  # of 200,000 patches in float64. Here are 10,000: within 0.02.
  layout = server_cases.dense_layout((300, 300), has_bias=False)
  x, other = np.random.default_rng(4).standard_normal((2, 300 * 300))
  rows = tf.constant(np.stack([x, other, -x]), tf.float32)
  found = np.asarray(MaxFilter(3)(rows, layout), np.float64)
  lengths = np.linalg.norm(found, axis=1)
  cosines = found @ found.T / np.outer(lengths, lengths)
  assert cosines[0, 1] == pytest.approx(0.861, abs=0.02)
  assert cosines[0, 2] == pytest.approx(0.849, abs=0.02)


def test_a_patch_larger_than_a_layer_is_refused():
  layout = server_cases.dense_layout((9, 4), (4, 3))
  message = (
    "kernel_size=5 is larger than the layer 'layer_1', whose kernel is 4 x 3. "
    'Take at most 4'
  )
  with pytest.raises(ValueError, match=message):
    MaxFilter(5)(tf.zeros([1, layout.size]), layout)
  assert MaxFilter(4)(tf.zeros([1, layout.size]), layout).shape == (1, 3)


def test_a_model_of_dropped_weights_only_is_refused():
  span = Span(0, (3,))
  layout = Layout((Layer('norm', 'norm', {'gamma': span}, 3),), 3, 'norm')
  with pytest.raises(ValueError, match='no weights to amplify'):
    MaxFilter(2)(tf.zeros([1, 3]), layout)
