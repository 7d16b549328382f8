import numpy as np
import pytest

from flsec.data.partition import by_writer

_WRITERS = np.repeat([4, 9, 2, 7, 5, 0], [3, 1, 4, 1, 5, 9])
_LABELS = np.arange(len(_WRITERS)) % 10


def test_as_many_clients_as_writers():
  parts = by_writer(_LABELS, 6, _WRITERS)
  assert [set(_WRITERS[p]) for p in parts] == [{0}, {2}, {4}, {5}, {7}, {9}]
  assert [len(part) for part in parts] == [9, 4, 3, 5, 1, 1]


@pytest.mark.parametrize('num_clients', [1, 2, 3, 4, 5])
def test_merged_writers_stay_whole_and_are_even_in_number(num_clients):
  parts = by_writer(_LABELS, num_clients, _WRITERS)
  owners = [set(_WRITERS[part]) for part in parts]
  assert sum(map(len, owners)) == 6 and len(set.union(*owners)) == 6
  assert max(map(len, owners)) - min(map(len, owners)) <= 1
  assert sum(map(len, parts)) == len(_WRITERS)


def test_sampled_writers_are_whole_and_the_others_unused():
  parts = by_writer(_LABELS, 4, _WRITERS, mode='sample', seed=2)
  for part in parts:
    (writer,) = set(_WRITERS[part])
    assert len(part) == (writer == _WRITERS).sum()
  kept = [_WRITERS[part[0]] for part in parts]
  assert kept == sorted(set(kept)) and len(kept) == 4


def test_every_writer_may_be_sampled():
  seen = {
    int(_WRITERS[part[0]])
    for seed in range(40)
    for part in by_writer(_LABELS, 2, _WRITERS, mode='sample', seed=seed)
  }
  assert seen == set(_WRITERS.tolist())


@pytest.mark.parametrize(
  ('writers', 'num_clients', 'options', 'message'),
  [
    (None, 2, {}, 'this data set does not say. Use femnist'),
    (_WRITERS, 7, {}, '7 clients cannot be formed from 6 writers'),
    (_WRITERS[1:], 2, {}, 'each of the 23 examples; got 22'),
    (_WRITERS, 2, {'mode': 'split'}, "'merge' or 'sample'; got 'split'"),
  ],
)
def test_refuses_bad_input(writers, num_clients, options, message):
  with pytest.raises(ValueError, match=message):
    by_writer(_LABELS, num_clients, writers, **options)
