"""Numbers drawn into pictures, without a font or a library for it."""

import math

import numpy as np

# Three columns of five rows each, a digit a row of the picture from the top.
_GLYPHS = {
  '0': '111 101 101 101 111',
  '1': '010 110 010 010 111',
  '2': '111 001 111 100 111',
  '3': '111 001 111 001 111',
  '4': '101 101 111 001 001',
  '5': '111 100 111 001 111',
  '6': '111 100 111 101 111',
  '7': '111 001 010 010 010',
  '8': '111 101 111 101 111',
  '9': '111 101 111 001 111',
  '>': '100 010 001 010 100',
  '-': '000 000 111 000 000',
}
_ROWS, _COLUMNS = 5, 3
_INK, _PAPER = 0, 255
# About so high is a picture made.
_TILE_PIXELS = 84


def text(words: str, scale: int) -> np.ndarray:
  """Draws digits, `>` and `-` in black on white.

  Args:
    words: what is drawn.
    scale: pixels of a dot's side.

  Returns:
    uint8 [5 scale, (4 k - 1) scale] for k characters.
  """
  dots = np.zeros((_ROWS, max(0, (_COLUMNS + 1) * len(words) - 1)), bool)
  for index, character in enumerate(words):
    rows = [list(map(int, row)) for row in _GLYPHS[character].split()]
    left = index * (_COLUMNS + 1)
    dots[:, left : left + _COLUMNS] = rows
  return np.where(enlarged(dots, scale), _INK, _PAPER).astype(np.uint8)


def captioned(tiles: np.ndarray, captions: list[str]) -> np.ndarray:
  """Puts pictures beside and below each other, each under its caption.

  Small ones are enlarged by a whole number, so that captions can be read and
  pixels stay square; the whole is about as wide as high.

  Args:
    tiles: uint8 [k, h, w, channels].
    captions: k texts, as `text` takes them.

  Returns:
    uint8 [height, width, channels].
  """
  scale = 2
  times = max(1, round(_TILE_PIXELS / tiles.shape[1]))
  drawn = [text(words, scale) for words in captions]
  width = max(tiles.shape[2] * times, *(one.shape[1] for one in drawn))
  columns = []  # Of the first row, then of the next ones.
  for tile, words in zip(tiles, drawn):
    head = _padded(words[..., np.newaxis], width, scale)
    head = np.broadcast_to(head, (*head.shape[:2], tile.shape[-1]))
    picture = _padded(enlarged(tile, times), width, scale)
    columns.append(np.concatenate([head, picture]))
  high, wide = columns[0].shape[:2]
  across = math.ceil(math.sqrt(len(columns) * high / wide))
  across = min(across, len(columns))
  blank = np.full_like(columns[0], _PAPER)
  columns += [blank] * (-len(columns) % across)
  return np.concatenate(
    [
      np.concatenate(columns[first : first + across], axis=1)
      for first in range(0, len(columns), across)
    ]
  )


def enlarged(picture: np.ndarray, times: int) -> np.ndarray:
  """Repeats each pixel `times` times in both directions."""
  return picture.repeat(times, axis=0).repeat(times, axis=1)


def _padded(picture: np.ndarray, width: int, margin: int) -> np.ndarray:
  """Centres a picture, [h, w, channels], on white of a width and margins."""
  left = (width - picture.shape[1]) // 2
  right = width - picture.shape[1] - left
  sides = ((margin, margin), (left + margin, right + margin), (0, 0))
  return np.pad(picture, sides, constant_values=_PAPER)
