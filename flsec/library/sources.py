"""What Python code may give as an experiment, as the cells of a file."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Union

import numpy as np

from flsec.config import dump, loading, shipped, sizes, yaml_file
from flsec.config.errors import ConfigError, found
from flsec.config.overrides import Override
from flsec.config.schema import Experiment

Source = Union[str, 'os.PathLike[str]', Mapping[str, Any], Experiment]

# `attack__scale=3` is `attack.scale`, since a keyword holds no dot.
_DOT = '__'


def cells_of(
  source: Source,
  changes: Mapping[str, Any],
  grid: Mapping[str, Sequence[Any]],
  size: str = sizes.FULL,
) -> list[loading.Cell]:
  """Returns the cells of an experiment, every one checked.

  Args:
    source: a YAML file, the name of a shipped experiment, a mapping as the file
      would hold it, or an `Experiment`.
    changes: path -> value; the path with dots, or with `__` in their place.
      `plugins` are added to those of the source, and are looked for in the
      present folder.
    grid: path -> values, each of which makes a cell.
    size: which of the file's sizes.

  Raises:
    ConfigError: something in it is wrong; says where.
    TypeError: the source is none of these.
  """
  raw, path = _read(source)
  # Those that the caller names lie in the present folder, not in the file's.
  plugins = changes.get('plugins', ())
  return loading.cells_of(
    raw,
    path,
    [_change(*item) for item in changes.items() if item[0] != 'plugins'],
    [_varied(name, values) for name, values in grid.items()],
    [os.fspath(one) for one in _listed('plugins', plugins)],
    size,
  )


def one_of(source: Source, changes: Mapping[str, Any]) -> Experiment:
  """Returns the one experiment that a source describes: see `cells_of`."""
  return single(cells_of(source, changes, {}), source).experiment


def single(cells: Sequence[loading.Cell], source: Source) -> loading.Cell:
  """Returns the only cell.

  Raises:
    ConfigError: there are several.
  """
  if len(cells) > 1:
    name = (
      loading.MAPPING if not isinstance(source, (str, os.PathLike)) else source
    )
    raise ConfigError(
      'sweep',
      f'spans {len(cells)} experiments; one was asked for. `flsec.sweep` runs '
      'them all.',
      str(name),
    )
  return cells[0]


def _read(source: Source) -> tuple[Mapping[str, Any], str]:
  if isinstance(source, (str, os.PathLike)):
    path = shipped.path_of(os.fspath(source))
    return yaml_file.read(path), path
  if isinstance(source, Experiment):
    return _plain(source), loading.MAPPING
  if isinstance(source, Mapping):
    return _plain(source), loading.MAPPING
  raise TypeError(
    'An experiment is the path of a YAML file, the name of a shipped one, a '
    f'mapping or a flsec.Experiment; got {type(source).__name__}.'
  )


def _change(name: str, value: Any) -> Override:
  return Override(_path(name), _plain(value), f'{name}={value!r}')


def _varied(name: str, values: Sequence[Any]) -> Override:
  listed = [_plain(value) for value in _listed(name, values)]
  return Override(_path(name), listed, f'{name}={values!r}')


def _listed(name: str, values: Any) -> Sequence[Any]:
  """Returns the values of a list.

  Raises:
    ConfigError: it is none.
  """
  is_text = isinstance(values, (str, bytes, Mapping))
  if is_text or not hasattr(values, '__iter__'):
    raise ConfigError(
      name, f'expected a list of values; found {found(values)}.', ''
    )
  return list(values)


def _path(name: str) -> str:
  """Returns the path that a keyword stands for.

  Raises:
    ConfigError: it has an empty word.
  """
  path = name.replace(_DOT, '.')
  if '' in path.split('.'):
    raise ConfigError(
      '', 'expected a path such as attack.scale, or attack__scale.', repr(name)
    )
  return path


def _plain(value: Any) -> Any:
  """Returns a value as YAML has it; NumPy's numbers and paths, too."""
  if isinstance(value, np.generic):
    return value.item()
  if isinstance(value, np.ndarray):
    return value.tolist()
  if isinstance(value, pathlib.PurePath):
    return str(value)
  if isinstance(value, Mapping):
    return {key: _plain(one) for key, one in value.items()}
  if isinstance(value, (list, tuple, range)):
    return [_plain(one) for one in value]
  return dump.plain(value)
