"""A state of every kind that a checkpoint holds, and ways to damage it."""

import collections
import dataclasses

import numpy as np

Pair = collections.namedtuple('Pair', ['first', 'second'])


@dataclasses.dataclass(frozen=True)
class Record:
  weights: np.ndarray
  rule: tuple


def some_state(offset=0):
  return {
    'weights': np.linspace(0, 1, 7, dtype=np.float32) + np.float32(offset),
    'seed': np.array([2**62 + 1, -1], np.int64),
    'round': np.int32(7 + offset),
    'rule': (),
    'attack': (np.float64(0.1), [np.array([True, False])]),
    'a/b': {'': np.zeros([0, 3], np.uint8), '0': np.float32(np.nan)},
    'pair': Pair(1.5, None),
    'record': Record(np.array(3, np.int16), (np.array(['x', 'yz']),)),
    'text': 'median',
    'flag': True,
    'count': 2**40,
  }


def assert_same(found, expected):
  assert type(found) is type(expected)
  if isinstance(expected, dict):
    assert list(found) == list(expected)
    for key in expected:
      assert_same(found[key], expected[key])
  elif isinstance(expected, (list, tuple)):
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
      assert_same(one, other)
  elif dataclasses.is_dataclass(expected):
    assert_same(vars(found), vars(expected))
  elif isinstance(expected, (np.ndarray, np.generic)):
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()
  else:
    assert found == expected


def damage(path, kind):
  data = bytearray(path.read_bytes())
  if kind == 'empty':
    data = b''
  elif kind == 'cut':
    data = data[: len(data) // 2]
  elif kind == 'flipped bit':
    data[data.index(b'\x93NUMPY') + 130] ^= 1
  elif kind == 'no checkpoint':
    data = b'hello'
  path.write_bytes(data)
