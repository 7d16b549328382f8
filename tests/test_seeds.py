"""Streams of randomness: named, independent, the same on every machine."""

import numpy as np
import pytest

from flsec import seeds


def _draw(*stream):
  return seeds.generator(*stream).integers(1 << 62)


def test_same_stream_same_numbers():
  assert _draw(7, 'selection', 3) == _draw(7, 'selection', 3)


def test_streams_differ():
  streams = [(7, 'a'), (8, 'a'), (7, 'b'), (7, 'a', 1), (7, 'a', 2), (7, 1)]
  assert len({_draw(*stream) for stream in streams}) == len(streams)


@pytest.mark.parametrize('stream', [(-1, 'a'), (1, 'a', -2)])
def test_refuses_negative_numbers(stream):
  with pytest.raises(ValueError, match='at least 0; got seed='):
    seeds.generator(*stream)


def test_stream_is_a_hash_that_stays():
  # A change would change the numbers of every published run.
  expected = [1660635691655610296, -8495706989025843479]
  found = seeds.stream(1, 'client', 3)
  assert found.dtype == np.int64 and found.shape == (2,)
  assert list(found) == expected


def test_streams_differ_by_seed_name_and_index():
  keys = [
    (1, 'client', 0),
    (1, 'client', 1),
    (2, 'client', 0),
    (1, 'rule'),
    (1, 'client'),
    (1, 'client', 1, 0),
    (11, 'client'),
  ]
  drawn = [tuple(seeds.stream(*key)) for key in keys]
  assert len(set(drawn)) == len(keys)
