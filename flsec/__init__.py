"""flsec: attacks on federated learning and the defences against them.

A run and its numbers, in Python.

    import flsec

    result = flsec.run('quickstart', rounds=3)
    result.rows['test/accuracy']

`run`, `sweep`, `load` and `load_sweep` do what the command line does;
`assemble` gives what a loop of one's own needs: process, clients, test. Rules,
attacks and pruners are built by `flsec.aggregators.build`,
`flsec.attacks.build` and `flsec.pruning.build`; new ones join by way of
`flsec.registry`.

Everything is imported when it is first asked for, so that `import flsec` stays
quick and TensorFlow's threads can still be set.
"""

import importlib
import typing
from typing import Any

if typing.TYPE_CHECKING:
  from flsec.config.errors import ConfigError as ConfigError
  from flsec.config.schema import Experiment as Experiment
  from flsec.library.assembling import assemble as assemble
  from flsec.library.federation import Simulation as Simulation
  from flsec.library.result import Result as Result
  from flsec.library.result import Sweep as Sweep
  from flsec.library.result import load as load
  from flsec.library.result import load_sweep as load_sweep
  from flsec.library.running import run as run
  from flsec.library.running import sweep as sweep

__version__ = '0.1.0'

# Name -> the module that holds it.
_HOMES = {
  'ConfigError': 'config.errors',
  'Experiment': 'config.schema',
  'Result': 'library.result',
  'Simulation': 'library.federation',
  'Sweep': 'library.result',
  'assemble': 'library.assembling',
  'load': 'library.result',
  'load_sweep': 'library.result',
  'run': 'library.running',
  'sweep': 'library.running',
}
_ROOMS = (
  'aggregators',
  'attacks',
  'config',
  'data',
  'defenses',
  'experiment',
  'federated',
  'loggers',
  'metrics',
  'models',
  'numerics',
  'pruning',
  'registry',
  'reporting',
  'runtime',
)
__all__ = [*_HOMES, *_ROOMS]


def __getattr__(name: str) -> Any:
  if name in _ROOMS:
    return importlib.import_module(f'flsec.{name}')
  if name in _HOMES:
    return getattr(importlib.import_module(f'flsec.{_HOMES[name]}'), name)
  raise AttributeError(f'module flsec has no attribute {name!r}')


def __dir__() -> list[str]:
  return sorted([*globals(), *__all__])
