"""Askers that ride along on a walk which somebody else takes."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.numerics import columns, riders


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
  monkeypatch.setattr(columns, 'BLOCK_SIZE', 1)
  monkeypatch.setattr(columns, 'LEAST_COLUMNS', 8)


def _stack(dimension=21):
  x = np.arange(3 * dimension, dtype=np.float32).reshape(3, dimension)
  return tf.constant(x)


def _row(index):
  return columns.each(lambda block: block[index])


class _Noting:
  """Asks for the last row, and notes the blocks that it is shown."""

  def __init__(self):
    self.widths = []
    self.asker = columns.each(self._visit)

  def _visit(self, block):
    self.widths.append(int(block.shape[1]))
    return block[-1]


@pytest.mark.parametrize('dimension, blocks', [(7, [7]), (21, [8, 8, 8])])
def test_one_pass_answers_who_walks_and_who_rides(dimension, blocks):
  x, rider = _stack(dimension), _Noting()
  total = columns.total(lambda block: tf.reduce_sum(block), tf.zeros([]))
  with columns.along(x, rider.asker, total) as answers:
    first = columns.ask(x, _row(0))
  last, added = answers()
  assert rider.widths == blocks
  np.testing.assert_array_equal(first, x[0])
  np.testing.assert_array_equal(last, x[2])
  assert added == np.sum(x)


def test_who_rides_does_not_change_the_blocks_of_the_walk():
  x, walker, rider = _stack(), _Noting(), _Noting()
  narrow = walker.asker._replace(most_columns=4)
  with columns.along(x, rider.asker._replace(most_columns=2)):
    columns.ask(x, narrow)
  assert set(walker.widths) == set(rider.widths) == {4}


def test_a_rider_takes_one_walk_and_no_second():
  x, rider = _stack(), _Noting()
  with columns.along(x, rider.asker) as answers:
    for _ in range(2):
      np.testing.assert_array_equal(columns.ask(x, _row(1)), x[1])
  np.testing.assert_array_equal(answers()[0], x[2])
  assert rider.widths == [8, 8, 8]


def test_where_nobody_walks_there_is_a_walk_of_its_own():
  x, rider = _stack(), _Noting()
  with columns.along(x, rider.asker) as answers:
    columns.ask(tf.identity(x), _row(0))  # Equal, but another stack.
  assert not rider.widths
  np.testing.assert_array_equal(answers()[0], x[2])


def test_behind_the_block_nobody_waits():
  x, rider = _stack(), _Noting()
  with pytest.raises(KeyError), columns.along(x, rider.asker):
    raise KeyError
  columns.ask(x, _row(0))
  assert not rider.widths and not riders.on(x)


def test_several_may_ride():
  x, outer, inner = _stack(), _Noting(), _Noting()
  with (
    columns.along(x, outer.asker) as of_outer,
    columns.along(x, inner.asker, _row(1)) as of_inner,
  ):
    columns.ask(x, _row(0))
  np.testing.assert_array_equal(of_outer()[0], x[2])
  np.testing.assert_array_equal(of_inner(), [x[2], x[1]])
  assert outer.widths == inner.widths == [8, 8, 8]


def test_a_walk_within_a_branch_answers_nobody_outside():
  @tf.function(autograph=False)
  def run(x, walks):
    with columns.along(x, _row(2)) as answers:
      first = tf.cond(
        walks, lambda: columns.ask(x, _row(0)), lambda: tf.zeros([21])
      )
    return first, answers()[0]

  x = _stack()
  for walks in (True, False):
    first, last = run(x, tf.constant(walks))
    np.testing.assert_array_equal(first, x[0] * walks)
    np.testing.assert_array_equal(last, x[2])


@pytest.mark.parametrize('dimension', [20, 21, 24])
def test_blocks_are_cut_from_what_the_stack_is_made_of(dimension):
  x = _stack(dimension)
  source = riders.Source(x, lambda block: -tf.gather(block, [2, 0]))
  # Whoever waited for the stack itself would read what is not there.
  unread = tf.fill([2, dimension], np.nan)
  beside = tf.range(dimension, dtype=tf.float32)
  sums = columns.total(
    lambda block: tf.reduce_sum(block, axis=1), tf.zeros([2])
  )
  with columns.along(unread, sums, cut_from=source) as answers:
    found = columns.ask(
      unread, columns.each(lambda block, more: block[0] + more, beside)
    )
  np.testing.assert_array_equal(found, beside - x[2])
  np.testing.assert_array_equal(answers()[0], -np.sum(x, axis=1)[[2, 0]])
