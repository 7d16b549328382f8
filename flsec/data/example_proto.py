"""Reads images out of serialised tf.train.Example messages, many at once.

The wire format is parsed here: TensorFlow would take seconds to import and a
`tf.data` object for each of thousands of clients is slow.
"""

from collections.abc import Iterator
from typing import NamedTuple, Union

import numpy as np

_VARINT, _BYTES = 0, 2
_FEATURES, _ENTRY, _KEY, _VALUE = 1, 1, 1, 2
_FLOAT_LIST, _INT64_LIST, _LIST_VALUE = 2, 3, 1


class _Field(NamedTuple):
  """A field of a message: bytes [start, stop) of the whole, or a number."""

  number: int
  value: int
  start: int
  stop: int


class _Parsed(NamedTuple):
  label: int
  label_at: int  # Where the label's varint is; one byte if below 128.
  pixels_at: int
  num_pixels: int


def parse_images(
  messages: list[bytes], num_pixels: int
) -> tuple[np.ndarray, np.ndarray]:
  """Reads `pixels` (floats) and `label` (a whole number) of each message.

  Messages that equal the first but for these two values, as a writer program
  makes them, are read in one go; others are parsed one by one.

  Args:
    messages: serialised tf.train.Example messages, at least one.
    num_pixels: P, floats that `pixels` must hold.

  Returns:
    Pixels float32 [n, P] and labels int64 [n].

  Raises:
    ValueError: if a message is not such an Example.
  """
  first = _parse(messages[0], num_pixels)
  pixels = np.empty((len(messages), num_pixels), np.float32)
  labels = np.empty(len(messages), np.int64)
  size = len(messages[0])
  same_size = np.array([len(message) == size for message in messages])
  places = np.flatnonzero(same_size)
  joined = b''.join([messages[place] for place in places])
  table = np.frombuffer(joined, np.uint8).reshape(-1, size)
  stop = first.pixels_at + 4 * num_pixels
  frame = np.ones(size, bool)
  frame[[first.label_at, *range(first.pixels_at, stop)]] = False
  alike = (table[:, frame] == table[0, frame]).all(axis=1)
  alike &= table[:, first.label_at] < 128  # The label is this byte.
  rows = table[alike]
  pixels[places[alike]] = np.ascontiguousarray(
    rows[:, first.pixels_at : stop]
  ).view('<f4')
  labels[places[alike]] = rows[:, first.label_at]
  for place in np.setdiff1d(np.arange(len(messages)), places[alike]):
    message = messages[place]
    parsed = _parse(message, num_pixels)
    labels[place] = parsed.label
    pixels[place] = np.frombuffer(
      message, '<f4', num_pixels, offset=parsed.pixels_at
    )
  return pixels, labels


def _parse(message: bytes, num_pixels: int) -> _Parsed:
  """Finds label and pixels of one message."""
  found: dict[str, tuple[int, _Field]] = {}
  for features in _fields(message, 0, len(message), _FEATURES):
    for entry in _fields(message, features.start, features.stop, _ENTRY):
      name, feature = b'', None
      for part in _fields(message, entry.start, entry.stop):
        if part.number == _KEY:
          name = message[part.start : part.stop]
        elif part.number == _VALUE:
          feature = part
      if feature is not None:
        for kind in _fields(message, feature.start, feature.stop):
          for value in _fields(message, kind.start, kind.stop, _LIST_VALUE):
            found[name.decode('latin-1')] = (kind.number, value)
  label_kind, label = found.get('label', (0, None))
  pixels_kind, pixels = found.get('pixels', (0, None))
  if label_kind != _INT64_LIST or pixels_kind != _FLOAT_LIST:
    raise ValueError(
      'not a tf.train.Example with float pixels and an integer label; it '
      f'holds {sorted(found)}'
    )
  if pixels.stop - pixels.start != 4 * num_pixels:
    raise ValueError(
      f'{pixels.stop - pixels.start} bytes of pixels, not {4 * num_pixels}'
    )
  value, label_at = label.value, label.start
  if label.start != label.stop:  # Packed, as the standard writers do.
    value, stop = _varint(message, label.start, label.stop)
    if stop != label.stop:
      raise ValueError('more than one label')
  return _Parsed(value, label_at, pixels.start, num_pixels)


def _fields(
  message: bytes, start: int, stop: int, number: Union[int, None] = None
) -> Iterator[_Field]:
  """Yields the fields of a message, those with a number if given."""
  at = start
  while at < stop:
    tag, at = _varint(message, at, stop)
    kind = tag & 7
    value, after = _varint(message, at, stop)
    if kind == _VARINT:
      field = _Field(tag >> 3, value, at, at)
      at = after
    elif kind == _BYTES and after + value <= stop:
      field = _Field(tag >> 3, 0, after, after + value)
      at = after + value
    else:
      raise ValueError('damaged tf.train.Example')
    if number is None or field.number == number:
      yield field


def _varint(message: bytes, at: int, stop: int) -> tuple[int, int]:
  """Returns a varint and where it ends."""
  value = 0
  for shift in range(0, 64, 7):
    if at >= stop:
      break
    byte = message[at]
    at += 1
    value |= (byte & 127) << shift
    if byte < 128:
      return value, at
  raise ValueError('damaged tf.train.Example')
