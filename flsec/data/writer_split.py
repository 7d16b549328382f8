"""Images with their writers, as both formats of FEMNIST are read."""

import dataclasses

import numpy as np

NUM_PIXELS = 28 * 28


@dataclasses.dataclass(frozen=True)
class WriterSplit:
  """Images of one split.

  Attributes:
    x: uint8 [M, 28, 28, 1], sorted by writer.
    y: int64 [M].
    writers: int32 [M], from 0, in the order of the writers' names.
  """

  x: np.ndarray
  y: np.ndarray
  writers: np.ndarray


def to_bytes(pixels: np.ndarray) -> np.ndarray:
  """Returns stored floats, which are multiples of 1/255, as uint8.

  Args:
    pixels: floats [n, P] within [0, 1].

  Raises:
    ValueError: a pixel is not within [0, 1], or not a multiple of 1/255, so
      that a byte could not hold it.
  """
  if not len(pixels):
    return np.empty(pixels.shape, np.uint8)
  with np.errstate(over='ignore'):  # Damage is refused below, in words.
    scaled = 255.0 * np.asarray(pixels, np.float32)
  nearest = np.rint(scaled)
  if not np.isfinite(scaled).all() or nearest.min() < 0 or nearest.max() > 255:
    raise ValueError(f'pixels must be in [0, 1]; got {_range(pixels)}')
  if np.abs(scaled - nearest).max() > 1e-2:
    raise ValueError('pixels must be multiples of 1/255')
  return nearest.astype(np.uint8)


def _range(pixels: np.ndarray) -> str:
  return f'{np.min(pixels)} to {np.max(pixels)}'
