"""The handwritten digits that scikit-learn brings: no download needed."""

import numpy as np

from flsec import registry
from flsec.data import splitting
from flsec.data.dataset import Dataset

FILES = ()
_SIDE = 28
_MAX_STORED = 16


@registry.dataset('digits', paper='Alpaydin and Kaynak, UCI 1998')
def digits(
  data_dir: str, *, test_fraction: float = 0.2, split_seed: int = 0
) -> Dataset:
  """1,797 real digits, 8x8 resized to 28x28, 10 classes (embedded).

  The images come with scikit-learn; they are resized bilinearly, so that
  every model for MNIST takes them.

  Args:
    data_dir: not used: nothing is read from it.
    test_fraction: share of each class held out for testing, within (0, 1).
    split_seed: chooses which; the same seed gives the same split.

  Returns:
    x uint8 [M, 28, 28, 1]; 1,438 training and 359 test images by default.

  Raises:
    ValueError: if test_fraction is not within (0, 1).
  """
  del data_dir
  from sklearn import datasets  # Slow to import: only where it is used.

  stored = datasets.load_digits()
  x = resize(stored.images / _MAX_STORED, _SIDE)
  x = np.rint(255 * x).astype(np.uint8)[..., np.newaxis]
  y = stored.target.astype(np.int32)
  train, test = splitting.stratified_split(
    y, test_fraction=test_fraction, seed=split_seed
  )
  return Dataset('digits', x[train], y[train], x[test], y[test], 10)


def resize(images: np.ndarray, side: int) -> np.ndarray:
  """Resizes square images bilinearly, with half-pixel centres.

  Args:
    images: [M, s, s].
    side: the new side length in pixels.

  Returns:
    float64 [M, side, side].
  """
  weights = _interpolation(images.shape[1], side)
  return np.einsum('ai,mij,bj->mab', weights, images, weights, optimize=True)


def _interpolation(old: int, new: int) -> np.ndarray:
  """Returns W [new, old] with resized = W @ line; rows sum to 1."""
  centre = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
  return np.maximum(0.0, 1.0 - np.abs(centre[:, None] - np.arange(old)))
