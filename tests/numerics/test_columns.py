"""The walk over blocks of columns: every column once, for every asker."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.numerics import columns


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
  monkeypatch.setattr(columns, 'BLOCK_SIZE', 1)
  monkeypatch.setattr(columns, 'LEAST_COLUMNS', 8)


sizes = pytest.mark.parametrize('dimension', [1, 7, 8, 9, 16, 21])


@sizes
def test_each_column_is_met_in_its_place(dimension):
  x = np.arange(2 * dimension, dtype=np.float32).reshape(2, dimension)
  asker = columns.each(lambda block: block[0] + 1)
  np.testing.assert_array_equal(columns.ask(tf.constant(x), asker), x[0] + 1)


@sizes
def test_every_column_is_added_once(dimension):
  x = np.ones((3, dimension), np.float32)
  centre = np.arange(dimension, dtype=np.float32)
  asker = columns.total(
    lambda block, centre: tf.reduce_sum(block * centre, axis=1),
    tf.zeros([3]),
    tf.constant(centre),
  )
  found = columns.ask(tf.constant(x), asker)
  np.testing.assert_array_equal(found, np.full(3, centre.sum()))


@sizes
def test_one_pass_answers_several_askers(dimension):
  rng = np.random.default_rng(0)
  x = rng.integers(-9, 9, (4, dimension)).astype(np.float32)
  beside = rng.integers(-9, 9, dimension).astype(np.float32)

  def visit(block, other):
    largest = tf.reduce_max(tf.abs(block), axis=1, keepdims=True)
    return (
      tf.reduce_sum(block, axis=0) + other,
      tf.reduce_any(block > other, axis=0),
    ), (largest[:, 0], tf.cast(block @ tf.transpose(block), tf.float64))

  zeros = (tf.zeros([4]), tf.zeros([4, 4], tf.float64))
  both = columns.Asker(
    visit, (tf.float32, tf.bool), zeros, (tf.constant(beside),)
  )
  norms = columns.total(
    lambda block: tf.reduce_sum(block**2, axis=1), tf.zeros([4])
  )
  doubled = columns.each(
    lambda block: tf.cast(2 * block[1], tf.int32), dtype=tf.int32
  )
  (sums, above, _, products), squares, twice = columns.walk(
    tf.constant(x), both, norms, doubled
  )
  np.testing.assert_array_equal(sums, x.sum(axis=0) + beside)
  np.testing.assert_array_equal(above, (x > beside).any(axis=0))
  np.testing.assert_array_equal(products, x @ x.T)
  np.testing.assert_array_equal(squares, (x**2).sum(axis=1))
  np.testing.assert_array_equal(twice, 2 * x[1])


def test_an_answer_is_what_the_asker_makes_of_its_sums():
  asker = columns.total(
    lambda block: tf.reduce_sum(block, axis=1), tf.zeros([2])
  )._replace(finish=lambda each, sums: tf.reduce_max(sums[0]))
  x = tf.constant(np.arange(42, dtype=np.float32).reshape(2, 21))
  assert columns.ask(x, asker) == 21 * 31


def test_accumulators_keep_their_type():
  # 2^24 + 1 ones cannot be counted in float32, nor can a half be added.
  asker = columns.total(
    lambda block: tf.cast(tf.reduce_sum(block), tf.float64),
    tf.constant(2.0**24, tf.float64),
  )
  assert columns.ask(tf.ones([1, 21]), asker) == 2.0**24 + 21


def test_the_narrowest_wish_holds_for_all():
  seen = []

  def note(block):
    seen.append(block.shape[1])
    return block[0]

  columns.walk(
    tf.zeros([2, 20]),
    columns.each(note)._replace(most_columns=5),
    columns.each(note),
  )
  assert set(seen) == {5}


def test_a_visit_is_traced_once():
  seen = []

  def first(block):
    seen.append(block.shape)
    return block[0]

  run = tf.function(
    lambda x: columns.ask(x, columns.each(first)), autograph=False
  )
  run(tf.zeros([2, 21]))
  assert seen == [[2, 8]]


@pytest.mark.parametrize('compiled', [False, True])
def test_in_graphs_also_where_the_number_of_rows_is_known_late(compiled):
  x = np.arange(63, dtype=np.float32).reshape(3, 21)

  def both(x):
    total = columns.total(lambda block: tf.reduce_sum(block), tf.zeros([]))
    return columns.walk(x, total, columns.each(lambda block: block[0]))

  shape = [3 if compiled else None, 21]
  run = tf.function(
    both,
    autograph=False,
    jit_compile=compiled,
    input_signature=[tf.TensorSpec(shape)],
  )
  total, first = run(tf.constant(x))
  assert total == x.sum()
  np.testing.assert_array_equal(first, x[0])
  assert first.shape == [21]


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


def test_a_stack_may_be_taken_whole():
  rows = tf.zeros([2, 21])
  widths = []

  def visit(block):
    widths.append(block.shape[1])
    return tf.reduce_sum(block, axis=0)

  with columns.undivided():
    assert columns.is_undivided()
    columns.ask(rows, columns.each(visit))
  assert not columns.is_undivided()
  assert widths == [21]
  columns.ask(rows, columns.each(visit))
  assert set(widths[1:]) == {8}
