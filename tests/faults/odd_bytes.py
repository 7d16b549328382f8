"""Bytes and trees that are almost what a reader expects."""

import copy
import zlib

import numpy as np

_WORDS = (b'', b'\x00', b'\xff' * 4, b'\x7f\xff\xff\xff', b'-1', b'1e999')
ODD_VALUES = (
  None,
  True,
  False,
  0,
  -1,
  1,
  5,
  2**31,
  10**18,
  0.5,
  -0.0,
  1e308,
  float('inf'),
  float('nan'),
  '',
  'x',
  'krum',
  '1e3',
  '../../etc',
  'a' * 300,
  '\u0000',
  '\U0001f600',
  [],
  [[]],
  [1, 'x'],
  {},
  {'name': 'krum'},
  {'name': 3},
  {'': 1},
  {'name': 'label_flip', 'num_byzantine': 2, 'extra': {}},
)


def damaged(data, rng):
  """Returns bytes with one to four places cut, flipped, doubled or swapped."""
  data = bytearray(data)
  for _ in range(rng.integers(1, 5)):
    if not data:
      break
    place = int(rng.integers(len(data)))
    kind = rng.integers(7)
    if kind == 0:
      data = data[:place]
    elif kind == 1:
      data[place] ^= 1 << int(rng.integers(8))
    elif kind == 2:
      data[place] = int(rng.integers(256))
    elif kind == 3:
      data[place:place] = _WORDS[rng.integers(len(_WORDS))]
    elif kind == 4:
      end = place + int(rng.integers(1, 64))
      data[place:place] = data[place:end]
    elif kind == 5:
      del data[place : place + int(rng.integers(1, 64))]
    else:
      size = int(rng.integers(1, 9))
      data[place : place + size] = b'\x00' * len(data[place : place + size])
  return bytes(data)


def odd_tree(tree, rng):
  """Returns a nested mapping with one to three odd places."""
  tree = copy.deepcopy(tree)
  for _ in range(rng.integers(1, 4)):
    places = list(_places(tree))
    parent, key = places[rng.integers(len(places))]
    kind = rng.integers(5)
    if kind == 0:
      del parent[key]
    elif kind == 1 and isinstance(parent, dict):
      parent[str(key)[:-1] or 'new'] = odd(rng)
    elif kind == 2:
      parent[key] = [parent[key]]
    elif kind == 3:
      parent[key] = copy.deepcopy(tree)
    else:
      parent[key] = odd(rng)
    if not list(_places(tree)):
      break
  return tree


def odd(rng):
  """Returns a value that few places of a configuration take."""
  return copy.deepcopy(ODD_VALUES[rng.integers(len(ODD_VALUES))])


def _places(node):
  items = node.items() if isinstance(node, dict) else enumerate(node)
  for key, value in list(items):
    yield node, key
    if isinstance(value, (dict, list)) and value:
      yield from _places(value)


def seeded(*words):
  """Returns a generator for an input, the same in every process."""
  return np.random.default_rng(zlib.crc32(repr(words).encode()))
