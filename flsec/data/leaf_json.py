"""Reads a split of FEMNIST in LEAF's JSON format."""

import json
import os
from typing import Any

import numpy as np

from flsec.data import limits
from flsec.data.errors import DataFileError, Path, guarded
from flsec.data.writer_split import NUM_PIXELS, WriterSplit, to_bytes

_AGAIN = "Make it again with LEAF's preprocess.sh."
_NUM_DIGITS = 10


@guarded(_AGAIN)
def read_folder(folder: Path, *, only_digits: bool) -> WriterSplit:
  """Reads every *.json of a folder: LEAF writes 100 users a file.

  Each file holds `users`, `num_samples` and `user_data`, which maps a user to
  `x`, a list of 784 floats for each image, and `y`.

  Args:
    folder: LEAF's `train` or `test`.
    only_digits: keep the labels 0 to 9 only, and the writers that have some.

  Returns:
    The split; writers are numbered in the order of their names.

  Raises:
    DataFileError: no file, not JSON, a user missing, a wrong count or shape.
  """
  files = sorted(
    entry.path for entry in os.scandir(folder) if entry.name.endswith('.json')
  )
  if not files:
    raise DataFileError(folder, 'holds no .json file', _AGAIN)
  by_user: dict[str, tuple[np.ndarray, np.ndarray]] = {}
  for file in files:
    for user, (x, y) in _read_file(file).items():
      if user in by_user:
        raise DataFileError(file, f'user {user} is in another file too', _AGAIN)
      keep = y < _NUM_DIGITS if only_digits else np.ones(len(y), bool)
      if keep.any():
        by_user[user] = (x[keep], y[keep])
  users = sorted(by_user)
  if not users:
    raise DataFileError(folder, 'holds no digit', _AGAIN)
  sizes = [len(by_user[user][1]) for user in users]
  return WriterSplit(
    x=np.concatenate([by_user[u][0] for u in users]).reshape(-1, 28, 28, 1),
    y=np.concatenate([by_user[u][1] for u in users]),
    writers=np.repeat(np.arange(len(users), dtype=np.int32), sizes),
  )


@guarded(_AGAIN)
def _read_file(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
  limits.check_file(path)
  try:
    with open(path, encoding='utf-8') as file:
      content = json.load(file)
    users, counts = content['users'], content['num_samples']
    data = content['user_data']
  except (ValueError, KeyError, TypeError) as error:
    found = f"is truncated or not LEAF's JSON ({error})"
    raise DataFileError(path, found, _AGAIN) from error
  if len(set(users)) != len(users):
    raise DataFileError(path, 'lists a user twice', _AGAIN)
  if len(counts) != len(users):
    raise DataFileError(
      path, f'has {len(users)} users and {len(counts)} num_samples', _AGAIN
    )
  read = {}
  for user, count in zip(users, counts):
    if user not in data:
      raise DataFileError(
        path, f'user {user} is listed but missing from user_data', _AGAIN
      )
    read[user] = _read_user(path, user, data[user], count)
  return read


def _read_user(
  path: Path, user: str, data: Any, count: int
) -> tuple[np.ndarray, np.ndarray]:
  try:
    y, x = np.asarray(data['y']), np.asarray(data['x'])
    if len(y) and (y.ndim != 1 or y.dtype.kind not in 'iu'):
      raise ValueError(f'its labels are {_kinds(data["y"])}, no whole numbers')
    if len(y) and x.dtype.kind not in 'iuf':
      raise ValueError(f'its pixels are {x.dtype}, no numbers')
    y = y.astype(np.int64)
    x = to_bytes(x.astype(np.float32).reshape(len(y), NUM_PIXELS))
  except (KeyError, TypeError, ValueError) as error:
    found = f'user {user} has no valid x and y ({error})'
    raise DataFileError(path, found, _AGAIN) from error
  if len(y) != count:
    raise DataFileError(
      path, f'user {user} has {len(y)} examples, not {count}', _AGAIN
    )
  return x, y


def _kinds(labels: Any) -> str:
  if not isinstance(labels, list):
    return type(labels).__name__
  odd = [one for one in labels if type(one) is not int]
  return repr(odd[0])[:20] if odd else 'too large'
