"""flsec: attacks on federated learning and the defences against them."""

import importlib
import types

__version__ = '0.1.0'

_ROOMS = (
  'aggregators',
  'attacks',
  'config',
  'data',
  'experiment',
  'federated',
  'metrics',
  'models',
  'pruning',
  'registry',
  'reporting',
  'runtime',
)


def __getattr__(name: str) -> types.ModuleType:
  """Imports a room on first use, so that `import flsec` stays quick."""
  if name in _ROOMS:
    return importlib.import_module(f'flsec.{name}')
  raise AttributeError(f'module flsec has no attribute {name!r}')
