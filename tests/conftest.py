"""Sets up every test: threads and data folder, before TensorFlow starts."""

import os
import pathlib

import pytest

_REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
_SHARED_DATA = _REPOSITORY.parent / 'shared' / 'data'

# TensorFlow reads these once, when it is imported: so no fixture.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')
os.environ.setdefault('TF_NUM_INTEROP_THREADS', '2')
# Real data that lie beside the checkout are used; nothing is downloaded.
if _SHARED_DATA.is_dir():
  os.environ.setdefault('FLSEC_DATA_DIR', str(_SHARED_DATA))


@pytest.fixture(scope='session')
def data_dir() -> str:
  """The folder of real data sets; tests that need one skip where it is not."""
  folder = os.environ.get('FLSEC_DATA_DIR', '')
  if not folder:
    pytest.skip(
      'needs real data: set FLSEC_DATA_DIR to a folder of data sets '
      f'({_SHARED_DATA} is not there)'
    )
  if not pathlib.Path(folder).is_dir():
    pytest.skip(f'needs real data: FLSEC_DATA_DIR={folder} is no folder')
  return folder


@pytest.fixture(scope='session')
def repository() -> pathlib.Path:
  """The root of the checkout."""
  return _REPOSITORY
