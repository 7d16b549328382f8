"""Blocks of columns: every column once, whatever the width."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.numerics import columns


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
  monkeypatch.setattr(columns, 'BLOCK_SIZE', 1)


@pytest.mark.parametrize('dimension', [1, 1023, 1024, 1025, 2048, 2500])
def test_map_columns_meets_every_column_in_its_place(dimension):
  x = np.arange(2 * dimension, dtype=np.float32).reshape(2, dimension)
  found = columns.map_columns(lambda block: block[0] + 1, tf.constant(x))
  np.testing.assert_array_equal(found, x[0] + 1)


@pytest.mark.parametrize('dimension', [1, 1023, 1024, 1025, 2048, 2500])
def test_sum_columns_adds_every_column_once(dimension):
  x = np.ones((3, dimension), np.float32)
  centre = np.arange(dimension, dtype=np.float32)
  found = columns.sum_columns(
    lambda block, centre: tf.reduce_sum(block * centre, axis=1),
    tf.constant(x),
    tf.constant(centre),
    tf.zeros([3]),
  )
  np.testing.assert_allclose(found, np.full(3, centre.sum()), rtol=1e-6)


def test_the_function_is_traced_once():
  seen = []

  def first(block):
    seen.append(block.shape)
    return block[0]

  run = tf.function(lambda x: columns.map_columns(first, x), autograph=False)
  run(tf.zeros([2, 2500]))
  assert seen == [[2, 1024]]


def test_a_stack_of_unknown_width_is_refused():
  spec = tf.TensorSpec([3, None])
  with pytest.raises(ValueError, match='d known when the graph is built'):
    tf.function(columns.num_columns, autograph=False).get_concrete_function(
      spec
    )


def test_the_number_of_rows_is_an_int_where_it_is_known():
  assert columns.num_rows(tf.zeros([4, 2])) == 4
  late = tf.function(
    lambda x: columns.num_rows(x) + tf.constant(0),
    input_signature=[tf.TensorSpec([None, 2])],
    autograph=False,
  )
  assert late(tf.zeros([4, 2])) == 4
