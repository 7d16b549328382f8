"""Tables of counts as pictures: darker is more."""

import numpy as np

from flsec.experiment import pixel_text

# Of a cell; smaller where there are many.
_CELL_PIXELS = (20, 12, 4)
_MOST_CELLS = (16, 64)
_MARGIN = 3
_SCALE = 2


def cell_map(shares: np.ndarray) -> np.ndarray:
  """Draws shares from 0 (white) to 1 (black), rows and columns numbered.

  Args:
    shares: float [rows, columns]; NaN is white.

  Returns:
    uint8 [height, width, 1].
  """
  rows, columns = shares.shape
  pixels = _cell_pixels(max(rows, columns))
  shades = 255 - np.round(255 * np.nan_to_num(shares)).astype(np.uint8)
  cells = pixel_text.enlarged(shades, pixels)
  if pixels < _CELL_PIXELS[1]:
    return cells[..., np.newaxis]  # No number would fit.
  left = [pixel_text.text(str(row), _SCALE) for row in range(rows)]
  top = [pixel_text.text(str(column), _SCALE) for column in range(columns)]
  width = max(text.shape[1] for text in left) + _MARGIN
  height = left[0].shape[0] + _MARGIN
  picture = np.full((height + cells.shape[0], width + cells.shape[1]), 255)
  picture[height:, width:] = cells
  for row, text in enumerate(left):
    above = height + row * pixels + (pixels - text.shape[0]) // 2
    picture[above : above + text.shape[0], : text.shape[1]] = text
  for column, text in enumerate(top):
    if text.shape[1] <= pixels:
      begin = width + column * pixels + (pixels - text.shape[1]) // 2
      picture[: text.shape[0], begin : begin + text.shape[1]] = text
  return picture.astype(np.uint8)[..., np.newaxis]


def _cell_pixels(cells: int) -> int:
  for most, pixels in zip(_MOST_CELLS, _CELL_PIXELS):
    if cells <= most:
      return pixels
  return _CELL_PIXELS[-1]
