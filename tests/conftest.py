"""Sets up every test: threads and data folder, before TensorFlow starts."""

import gc
import logging
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest
from absl import logging as absl_logging

from flsec import registry

_REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
_SHARED_DATA = _REPOSITORY.parent / 'shared' / 'data'

# Two threads in all, whether pytest-xdist runs one worker or two.
_WORKERS = int(os.environ.get('PYTEST_XDIST_WORKER_COUNT', '1'))
_THREADS = str(max(1, 2 // _WORKERS))
# What begins first: these files take minutes, and a worker that were given one
# last would run on alone.
_LONGEST = (
  'tests/experiment/test_end_to_end.py',
  'tests/test_shipped_experiments.py',
  'tests/test_readme.py',
  'tests/runtime',
  'tests/federated',
)

# TensorFlow and NumPy read these once, when they are imported: so no fixture.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')
os.environ.setdefault('TF_NUM_INTEROP_THREADS', _THREADS)
os.environ.setdefault('OPENBLAS_NUM_THREADS', _THREADS)
# Real data that lie beside the checkout are used; nothing is downloaded.
if _SHARED_DATA.is_dir():
  os.environ.setdefault('FLSEC_DATA_DIR', str(_SHARED_DATA))


# First: pytest-xdist reads the marks in its own hook of this name.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
  """Keeps a file's tests in one worker, so that they share its fixtures."""
  if _WORKERS > 1:
    items.sort(key=lambda item: _rank(item.nodeid))  # The sort is stable.
  for item in items:
    file = item.nodeid.partition('::')[0]
    item.add_marker(pytest.mark.xdist_group(file))


def pytest_collection_finish() -> None:
  """Lets Python's collector pass over what all tests have in common.

  TensorFlow and TFF make a million objects, through which each collection would
  go: a tenth of the time of tests that trace.
  """
  gc.collect()
  gc.freeze()


def _rank(nodeid: str) -> int:
  for rank, start in enumerate(_LONGEST):
    if nodeid.startswith(start):
      return rank
  return len(_LONGEST)


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
  """Leaves the log as it was: commands set what is shown of it, and where."""
  loggers = absl_logging.get_absl_logger(), logging.root
  verbosity = absl_logging.get_verbosity()
  levels = [logger.level for logger in loggers]
  handlers = list(logging.root.handlers)
  yield
  # The flag first, since it sets levels: of which logger, the handlers decide.
  absl_logging.set_verbosity(verbosity)
  for logger, level in zip(loggers, levels):
    logger.setLevel(level)
  logging.root.handlers[:] = handlers


@pytest.fixture(autouse=True, scope='module')
def plugins_as_before() -> Iterator[None]:
  """Forgets the plug-ins that a file's tests added."""
  before = list(registry._plugins)
  yield
  registry._plugins[:] = before


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
def namespaces() -> None:
  """Skips where the system denies processes a network of their own."""
  attempt = (
    'from flsec.runtime import worker_gate; worker_gate.enter_private_network()'
  )
  answer = subprocess.run(
    [sys.executable, '-c', attempt],
    capture_output=True,
    text=True,
    check=False,
  )
  if answer.returncode:
    assert '--host=0.0.0.0' in answer.stderr
    pytest.skip('this system does not allow network namespaces (unshare)')


@pytest.fixture(scope='session')
def repository() -> pathlib.Path:
  """The root of the checkout."""
  return _REPOSITORY
