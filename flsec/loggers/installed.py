"""Packages that only some loggers need."""

import importlib
from typing import Any


def module(name: str, package: str) -> Any:
  """Imports a module.

  Args:
    name: of the module.
    package: that it comes with.

  Raises:
    ValueError: it is not installed.
  """
  try:
    return importlib.import_module(name)
  except ImportError as error:
    raise ValueError(
      f'needs the package {package}, which is not installed here: `make '
      'setup-loggers`, or `pip install --no-deps --require-hashes -r '
      f'requirements-loggers.txt` ({error})'
    ) from error
