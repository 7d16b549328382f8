"""A script of the repository, as a module."""

import importlib.util
import pathlib
import types

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load(name: str) -> types.ModuleType:
  """Runs `scripts/NAME.py` anew, but for what it does as a program."""
  path = ROOT / 'scripts' / f'{name}.py'
  spec = importlib.util.spec_from_file_location(name, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module
