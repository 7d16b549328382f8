import numpy as np
import pytest
import tensorflow as tf

from flsec.numerics import columns, row_blocks


def _sums(rows, **shape):
  """Returns each row's sum and its entries less it, block by block."""
  heights = []

  def visit(block):
    heights.append(block.shape[0])
    total = tf.reduce_sum(block, axis=1)
    return total, block - total[:, None]

  width = rows.shape[1]
  like = (tf.TensorSpec([], tf.float32), tf.TensorSpec([width], tf.float32))
  run = tf.function(
    lambda x: row_blocks.map_row_blocks(visit, x, like),
    autograph=False,
    input_signature=[tf.TensorSpec([shape.get('n'), width])],
  )
  return run(rows), heights


@pytest.mark.parametrize('clients', [1, 2, 3, 7, 10, 11, 13])
def test_blocks_join_to_the_whole(clients, monkeypatch):
  monkeypatch.setattr(columns, 'BLOCK_SIZE', 12)  # Three rows of four.
  rows = np.arange(4.0 * clients, dtype=np.float32).reshape(clients, 4)
  for shape in ({'n': clients}, {}):
    (total, rest), heights = _sums(rows, **shape)
    np.testing.assert_array_equal(total, rows.sum(axis=1))
    np.testing.assert_array_equal(rest, rows - rows.sum(axis=1)[:, None])
    assert len(heights) == 1  # Traced once.
  assert total.shape == [clients]


def test_no_rows():
  (total, rest), _ = _sums(np.zeros((0, 4), np.float32))
  assert total.shape == [0] and rest.shape == [0, 4]


def test_a_small_stack_is_one_block():
  _, heights = _sums(np.zeros((5, 4), np.float32), n=5)
  assert heights == [5]


def test_a_stack_may_be_taken_whole():
  rows = tf.zeros([6, columns.BLOCK_SIZE])
  heights = []

  def first(block):
    heights.append(block.shape[0])
    return block[:, 0]

  with columns.undivided():
    row_blocks.map_row_blocks(first, rows, tf.TensorSpec([], tf.float32))
  assert heights == [6]
