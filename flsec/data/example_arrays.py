"""Takes the arrays of a data set as people bring them, or says what is wrong.

Nothing is repaired by a guess: what has one meaning only (float64 features,
labels in a column, one-hot rows, 3.0 for 3) is taken, all else is refused.
"""

from typing import Any, Optional

import numpy as np

from flsec.data.errors import DatasetError

_BLOCK_ROWS = 4096
_BIG_INT32 = 2**31


def examples(name: str, part: str, given: Any) -> np.ndarray:
  """Returns examples as they are stored: uint8, int32 or float32 [M, ...].

  Args:
    name: of the data set.
    part: 'training' or 'test'.
    given: anything that NumPy takes for an array of numbers.

  Raises:
    DatasetError: no examples, no numbers, or a number that is not finite or
      that float32 cannot hold.
  """
  x = _array(name, f'{part} examples', given)
  if x.ndim < 2 or 0 in x.shape:
    raise DatasetError(
      name,
      f'the {part} examples have shape {x.shape}, but have to be [M, ...], at '
      'least one example of at least one number',
      'Give a single feature as a column, x[:, None]; fill or drop empty sets',
    )
  if x.dtype == np.uint8:
    return x
  if x.dtype.kind == 'b':
    return x.astype(np.uint8)
  if x.dtype.kind in 'iu':
    if x.dtype.itemsize >= 4:
      _check_range(name, part, x)
    return x.astype(np.int32, copy=False)
  if x.dtype.kind != 'f':
    raise DatasetError(
      name,
      f'the {part} examples are {x.dtype}, which are no numbers to train on',
      'Turn them into float32 or uint8',
    )
  return _finite_floats(name, part, x)


def labels(name: str, part: str, given: Any, num_classes: int) -> np.ndarray:
  """Returns labels as int32 [M], from 0 to num_classes - 1.

  Args:
    name: of the data set.
    part: 'training' or 'test'.
    given: whole numbers [M] or [M, 1], of any type, or one-hot rows
      [M, num_classes].
    num_classes: how many classes there are.

  Raises:
    DatasetError: anything else; names the first row that is wrong.
  """
  y = _array(name, f'{part} labels', given)
  if y.dtype.kind in 'USO':
    raise DatasetError(
      name,
      f'the {part} labels are text ({y.ravel()[:1].tolist()} in row 0)',
      'Number the classes over both sets together: np.unique(y, '
      'return_inverse=True)[1]',
    )
  if y.dtype.kind not in 'iufb':
    raise DatasetError(
      name, f'the {part} labels are {y.dtype}', 'Use whole numbers from 0'
    )
  if y.ndim == 2 and y.shape[1] == num_classes > 1:
    y = _from_one_hot(name, part, y)
  elif y.ndim == 2 and y.shape[1] == 1:
    y = y[:, 0]
  if y.ndim != 1:
    raise DatasetError(
      name,
      f'the {part} labels have shape {y.shape}; they are whole numbers [M], '
      f'or one-hot rows [M, {num_classes}]',
      'One label an example',
    )
  _check_whole(name, part, y)
  _check_classes(name, part, y, num_classes)
  return y.astype(np.int32, copy=False)


def owners(name: str, given: Any, num_examples: int) -> np.ndarray:
  """Returns who owns each training example, int32 [M].

  Raises:
    DatasetError: not one whole number an example.
  """
  writers = _array(name, 'writers', given)
  if writers.shape != (num_examples,) or writers.dtype.kind not in 'iu':
    raise DatasetError(
      name,
      f'writers are {writers.dtype} {writers.shape}, but have to be whole '
      f'numbers [{num_examples}], one for each training example',
      'Number them: np.unique(writers, return_inverse=True)[1]',
    )
  return writers.astype(np.int32, copy=False)


def _array(name: str, what: str, given: Any) -> np.ndarray:
  if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
    row = int(np.argwhere(np.ma.getmaskarray(given))[0][0])
    raise DatasetError(
      name, f'row {row} of the {what} is masked', 'Drop the row or fill it in'
    )
  try:
    found = np.asarray(given)
  except ValueError as error:  # Rows of different lengths.
    raise DatasetError(
      name, f'the {what} are no array ({error})', 'Make all rows one shape'
    ) from error
  if found.dtype.kind == 'O' and 'labels' not in what:
    raise DatasetError(
      name,
      f'the {what} are objects ({type(given).__name__}), no numbers: rows of '
      'different lengths, text, or a sparse matrix',
      'Turn them into an array of numbers, e.g. by toarray() or astype(float)',
    )
  return found


def _finite_floats(name: str, part: str, x: np.ndarray) -> np.ndarray:
  # What float32 cannot hold is found as an infinity.
  with np.errstate(over='ignore'):
    found = x.astype(np.float32, copy=False)
  for start in range(0, len(found), _BLOCK_ROWS):
    is_finite = np.isfinite(found[start : start + _BLOCK_ROWS])
    if not is_finite.all():
      place = np.argwhere(~is_finite)[0]
      row, *inner = (int(i) for i in place)
      raise DatasetError(
        name,
        f'the {part} examples hold {x[start + row][tuple(inner)]} in row '
        f'{start + row}, at {inner}, which is no finite float32',
        'Drop the row or fill the cell in, e.g. by np.nan_to_num',
      )
  return found


def _check_range(name: str, part: str, x: np.ndarray) -> None:
  low, high = int(x.min()), int(x.max())
  if low < -_BIG_INT32 or high >= _BIG_INT32:
    raise DatasetError(
      name,
      f'the {part} examples run from {low} to {high}, which int32 cannot hold',
      'Scale them as float32',
    )


def _from_one_hot(name: str, part: str, y: np.ndarray) -> np.ndarray:
  is_one_hot = (np.count_nonzero(y, axis=1) == 1) & (y.max(axis=1) == 1)
  if not is_one_hot.all():
    row = int(np.argmin(is_one_hot))
    raise DatasetError(
      name,
      f'row {row} of the {part} labels is not one-hot: {_shown(y[row])}',
      'One class an example: y.argmax(axis=1), where the rows are shares',
    )
  return y.argmax(axis=1)


def _check_whole(name: str, part: str, y: np.ndarray) -> None:
  if y.dtype.kind != 'f':
    return
  # NaN is no whole number, either; infinity is caught by its range.
  is_whole = np.trunc(y) == y
  if not is_whole.all():
    row = int(np.argmin(is_whole))
    raise DatasetError(
      name,
      f'the label of row {row} of the {part} set is {y[row]}, no class',
      'Labels are whole numbers; drop rows without one',
    )


def _check_classes(
  name: str, part: str, y: np.ndarray, num_classes: int
) -> None:
  is_bad = (y < 0) | (y >= num_classes)
  if not is_bad.any():
    return
  row, low, high = int(np.argmax(is_bad)), y.min(), y.max()
  from_one = low == 1 and high == num_classes
  raise DatasetError(
    name,
    f'the {part} labels of {name} run from {low} to {high}; they must be in 0 '
    f'to {num_classes - 1}; row {row} has {y[row]}',
    'Count classes from 0: subtract 1'
    if from_one
    else 'Set num_classes to the number of classes, and drop other labels',
  )


def _shown(row: np.ndarray, most: Optional[int] = 10) -> str:
  text = ', '.join(f'{value:g}' for value in row[:most])
  return f'[{text}{", ..." if len(row) > most else ""}]'
