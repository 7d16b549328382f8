"""How many cells at once, worked out by hand."""

import pytest

from flsec.sweeps.capacity import Capacity


def _capacity(cores, num_tasks, available=1000, **options):
  return Capacity(
    cores, num_tasks, available_bytes=lambda: available, **options
  )


class TestUntilTheFirstIsAssembled:
  def test_one_goes_ahead_with_its_share(self):
    capacity = _capacity(8, 100)
    assert (capacity.limit, capacity.most, capacity.share) == (1, 8, 1)

  @pytest.mark.parametrize(
    ('cores', 'num_tasks', 'options', 'most', 'share'),
    [
      (8, 3, {}, 3, 2),
      (8, 100, {'threads': 3}, 2, 4),
      (2, 100, {'threads': 5}, 1, 2),
      (1, 100, {}, 1, 1),
    ],
  )
  def test_cores_are_shared_out(self, cores, num_tasks, options, most, share):
    capacity = _capacity(cores, num_tasks, **options)
    assert (capacity.most, capacity.share) == (most, share)


class TestLearning:
  @pytest.mark.parametrize(
    ('bytes_', 'limit', 'share'),
    [(100, 8, 1), (300, 3, 2), (501, 1, 8), (5000, 1, 8)],
  )
  def test_memory_limits(self, bytes_, limit, share):
    capacity = _capacity(8, 100)
    capacity.learn(bytes_, '/CPU:0')
    assert (capacity.limit, capacity.share) == (limit, share)

  def test_the_hungriest_cell_counts(self):
    capacity = _capacity(8, 100)
    for bytes_ in (100, 400, 200):
      capacity.learn(bytes_, '/CPU:0')
    assert capacity.limit == 2

  def test_an_accelerator_takes_one(self):
    capacity = _capacity(8, 100)
    capacity.learn(1, '/GPU:0')
    assert capacity.limit == 1

  def test_want_of_memory_makes_it_fewer(self):
    capacity = _capacity(8, 100)
    capacity.learn(1, '/CPU:0')
    capacity.shrink(3)
    assert capacity.limit == 3


class TestWanted:
  def test_a_user_is_taken_at_their_word(self):
    capacity = _capacity(2, 100, wanted=5)
    assert (capacity.limit, capacity.share) == (5, 1)
    capacity.learn(10**6, '/GPU:0')
    assert capacity.limit == 5

  def test_but_no_more_than_there_are_cells(self):
    assert _capacity(16, 2, wanted=5).limit == 2
    assert _capacity(16, 2, wanted=5).share == 8

  def test_and_want_of_memory_holds_for_them_too(self):
    capacity = _capacity(2, 100, wanted=5)
    capacity.shrink(2)
    assert capacity.limit == 2
    capacity.shrink(0)
    assert capacity.limit == 1
