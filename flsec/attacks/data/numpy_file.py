"""Reads the arrays of a NumPy file that a user names."""

import numpy as np

SINGLE = 'pattern'  # What an .npy file's one array is called.


def read_arrays(what: str, path: str) -> dict[str, np.ndarray]:
  """Returns the arrays of an .npz file by name, or an .npy file's as `pattern`.

  Args:
    what: whom a message blames.
    path: of the file.

  Raises:
    ValueError: if it is missing, truncated, not a NumPy file or holds pickled
      objects.
  """
  try:
    with open(path, 'rb') as file:
      loaded = np.load(file, allow_pickle=False)
      if isinstance(loaded, np.ndarray):
        return {SINGLE: loaded}
      # Of a member that is no array NumPy returns the bytes.
      arrays = {name: loaded[name] for name in loaded.files}
      for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
          raise ValueError(f'{name} in it is no array')
      return arrays
  except Exception as error:  # Foreign bytes may make a parser raise any.
    first = (str(error).splitlines() or [type(error).__name__])[0]
    raise ValueError(
      f'{what} cannot read {path}: {first}. It must be an .npy or .npz file '
      'without pickled objects.'
    ) from error


def check_numbers(what: str, path: str, name: str, array: np.ndarray) -> None:
  """Refuses an array of anything but real numbers.

  Args:
    what: whom the message blames.
    path: of the file that holds it.
    name: of the array.
    array: what it holds.

  Raises:
    ValueError: if it holds text, complex numbers, dates or records.
  """
  if array.dtype.kind not in 'biuf':
    raise ValueError(
      f'{what} needs real numbers in the array {name} of {path}; it holds '
      f'{array.dtype}. Save it again as float32 or uint8.'
    )
