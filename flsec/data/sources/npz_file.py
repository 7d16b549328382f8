"""Examples of any kind, from an .npz file of one's own."""

import os
from typing import Optional

import numpy as np

from flsec import registry
from flsec.data import npz
from flsec.data.dataset import Dataset
from flsec.data.errors import DataFileError

FILES = (('examples.npz',),)
_ARRAYS = ('x_train', 'y_train', 'x_test', 'y_test')
_AGAIN = 'Write it with numpy.savez.'


@registry.dataset('npz')
def npz_file(
  data_dir: str,
  *,
  file: str = 'examples.npz',
  scale: Optional[float] = None,
  shift: float = 0.0,
) -> Dataset:
  """Your own arrays: x_train, y_train, x_test and y_test of an .npz file.

  Features of a pre-trained network among others
  (`scripts/make_features.py` writes them). There are as many classes as the
  largest label says, or as one-hot rows have columns. An array `writers` [M],
  where the file has one, says who owns each training example (`by_writer`).

  Args:
    data_dir: the folder of the file.
    file: its name in that folder, or a path of its own.
    scale: the model's input is `x * scale + shift`; None: 1/255 for uint8, 1
      for all else.
    shift: see scale.

  Returns:
    What the file holds, see `flsec.data.Dataset`.

  Raises:
    DataFileError: the file is missing or damaged, or lacks an array.
    DatasetError: arrays that nothing can be trained on.
  """
  path = os.path.join(data_dir, file)
  if not os.path.exists(path):
    raise DataFileError(
      path,
      'is missing',
      f'Put it there, with the arrays {", ".join(_ARRAYS)}, or name another '
      'one in dataset.file.',
    )
  *arrays, writers = _read(path)
  return Dataset(
    'npz', *arrays, _num_classes(path, arrays), scale, shift, writers
  )


def _read(path: str) -> tuple[Optional[np.ndarray], ...]:
  found = npz.read_npz(path, (*_ARRAYS, 'writers'), _ARRAYS)
  return found if len(found) > len(_ARRAYS) else (*found, None)


def _num_classes(path: str, arrays: list[np.ndarray]) -> int:
  labels = arrays[1], arrays[3]
  if any(y.size == 0 or y.dtype.kind not in 'iufb' for y in labels):
    raise DataFileError(
      path, 'holds labels that are empty or no numbers', _AGAIN
    )
  widths = {y.shape[1] for y in labels if y.ndim == 2 and y.shape[1] > 1}
  if widths:
    return int(max(widths))
  largest = max(float(np.max(y)) for y in labels)
  # What else may be wrong with them, the data set says.
  return max(2, int(largest) + 1) if np.isfinite(largest) else 2
