"""Downloads through the loaders of Keras and TFF, or says why it failed."""

import os
from typing import Callable

from flsec.data.errors import DataFileError


def fetch_with_keras(origin: str, folder: str, *, file_hash: str = '') -> str:
  """Downloads a file by Keras' own loader, which shows a progress bar.

  Args:
    origin: the address; its last part names the file.
    folder: where the file goes; created if it is missing.
    file_hash: the published MD5 or SHA-256 in hexadecimal digits, or ''.

  Returns:
    The path of the downloaded file.

  Raises:
    DataFileError: if it could not be downloaded; names the file, the address
      and the folder.
  """
  return _fetch(origin, folder, lambda: _keras(origin, folder, file_hash))


def fetch_emnist_with_tff(origin: str, folder: str, *, file: str) -> str:
  """Downloads EMNIST's database by TFF's own loader.

  TFF writes under the final name, so a download that breaks off would pass
  for a whole database. Here it goes to a folder of its own first.

  Args:
    origin: the address, for the message.
    folder: where the database goes; created if it is missing.
    file: the database's name.

  Returns:
    The path of the database.

  Raises:
    DataFileError: as `fetch_with_keras`.
  """
  return _fetch(origin, folder, lambda: _tff_emnist(folder, file))


def _fetch(origin: str, folder: str, download: Callable[[], str]) -> str:
  file = origin.rsplit('/', 1)[-1]
  remedy = (
    f'Download {origin} on a machine that can, put it into '
    f'{os.path.abspath(folder)}, or point --data_dir (FLSEC_DATA_DIR) at a '
    'folder that has it.'
  )
  path = os.path.join(folder, file)
  try:
    os.makedirs(folder, exist_ok=True)
  except OSError as error:
    found = f'is missing and its folder cannot be made ({error})'
    raise DataFileError(path, found, remedy) from error
  if not os.access(folder, os.W_OK):
    # Keras would put the file under /tmp without saying so.
    found = 'is missing and its folder cannot be written'
    raise DataFileError(path, found, remedy)
  try:
    return download()
  except Exception as error:  # Keras raises a plain Exception.
    found = f'is missing and could not be downloaded ({error})'
    raise DataFileError(path, found, remedy) from error


def _keras(origin: str, folder: str, file_hash: str) -> str:
  from tensorflow import keras  # Slow to import: only for a download.

  return keras.utils.get_file(
    fname=origin.rsplit('/', 1)[-1],
    origin=origin,
    file_hash=file_hash or None,
    cache_dir=os.path.abspath(folder),
    cache_subdir='',
  )


def _tff_emnist(folder: str, file: str) -> str:
  import tempfile

  import tensorflow_federated as tff  # Slow to import: only for a download.

  with tempfile.TemporaryDirectory(dir=folder) as partial:
    tff.simulation.datasets.emnist.load_data(cache_dir=partial)
    os.replace(os.path.join(partial, file), os.path.join(folder, file))
  return os.path.join(folder, file)
