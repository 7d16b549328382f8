"""Loads an experiment, or every cell of a sweep, from a YAML file."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from flsec import registry
from flsec.config import (
  cell_names,
  estimate,
  overrides,
  shipped,
  sizes,
  structure,
  sweep,
  yaml_file,
)
from flsec.config.errors import ConfigError, found
from flsec.config.overrides import Override
from flsec.config.schema import Experiment
from flsec.config.validate import validate

# Values that name or describe a run, or say where it runs: no part of a cell's
# name, since they do not change the result.
_UNNAMED = ('name', 'description', 'runtime', 'plugins', 'seed', 'sweep')
_UNNAMED_PATHS = ('server.on_non_finite',)

# What errors call an experiment that is in no file.
MAPPING = 'the experiment'


@dataclasses.dataclass(frozen=True)
class Cell:
  """One experiment of a file.

  Attributes:
    name: its folder below the experiment's, e.g. `aggregator=krum,seed=2`.
    experiment: what is run.
    labels: what the sweep varies -> this cell's choice, as in its name; of
      values of a path, or names of cases.
  """

  name: str
  experiment: Experiment
  labels: Mapping[str, str] = dataclasses.field(default_factory=dict)


def load(path: str, sets: Sequence[str] = ()) -> Experiment:
  """Returns the experiment of a YAML file.

    experiment = load('experiments/quickstart.yaml', ['rounds=2'])

  Args:
    path: the file.
    sets: values to change, each as in `attack.scale=10`.

  Raises:
    ConfigError: the file or a value is wrong, or the file holds a sweep.
  """
  cells = load_cells(path, sets)
  if len(cells) > 1:
    raise ConfigError(
      'sweep', f'spans {len(cells)} experiments; one was asked for.', path
    )
  return cells[0].experiment


def load_cells(
  path: str,
  sets: Sequence[str] = (),
  sweeps: Sequence[str] = (),
  plugins: Sequence[str] = (),
  seed: Optional[int] = None,
  size: str = sizes.FULL,
) -> list[Cell]:
  """Returns every cell of a YAML file; a plain file has one.

  Nothing but the file and the plugins is read, and no TensorFlow imported.

  Args:
    path: the file, or the name of a shipped experiment.
    sets: values to change, each as in `attack.scale=10`.
    sweeps: values to vary besides the file's `sweep:`, each as in
      `seed=[1, 2, 3]`.
    plugins: Python files that register further components.
    seed: replaces the file's seed.
    size: which of the file's sizes.

  Raises:
    ConfigError: the file, a flag or one of the cells is wrong; names it.
  """
  path = shipped.path_of(path)
  raw = yaml_file.read(path)
  flags = [overrides.parse(text) for text in sets]
  if seed is not None:
    flags.append(Override('seed', seed, f'--seed={seed}'))
  swept = [overrides.parse(text, '--sweep') for text in sweeps]
  return cells_of(raw, path, flags, swept, plugins, size)


def cells_of(
  raw: Mapping[str, Any],
  path: str,
  flags: Sequence[Override] = (),
  swept: Sequence[Override] = (),
  plugins: Sequence[str] = (),
  size: str = sizes.FULL,
) -> list[Cell]:
  """Returns every cell of a plain mapping.

  Args:
    raw: as a file holds it.
    path: the file, or what errors call the mapping; plug-ins that it names are
      looked for in its folder, which else is the present one.
    flags: values to change.
    swept: values to vary, a list each.
    plugins: as of `load_cells`.
    size: as of `load_cells`.

  Raises:
    ConfigError: as of `load_cells`.
  """
  plain, varied = sizes.resize(raw, size, path)
  for one in swept:
    varied = sweep.change(varied, {one.path: one.value}, one.source)
  chosen = varied.choices()
  sweep.check_apart(varied.paths, flags, path)
  plain = overrides.apply(plain, flags)
  _add_plugins(plain, plugins, path)
  experiments = [
    _experiment(plain, flags, choice.overrides, path) for choice in chosen
  ]
  named = [
    flag
    for flag in flags
    if flag.keys[0] not in _UNNAMED and flag.path not in _UNNAMED_PATHS
  ]
  names = cell_names.cell_names(
    [(*choice.labels, *named) for choice in chosen],
    [experiment.seed for experiment in experiments],
  )
  labels = cell_names.labels([choice.labels for choice in chosen])
  return [Cell(*cell) for cell in zip(names, experiments, labels)]


def checked(raw: Mapping[str, Any]) -> Experiment:
  """Returns the experiment of a mapping, checked but not filled in.

  Args:
    raw: as the YAML would hold it, without `sweep`; its plug-ins are looked for
      in the present folder.

  Raises:
    ConfigError: something in it is wrong.
  """
  plain = dict(raw)
  _add_plugins(plain, (), MAPPING)
  experiment = structure.structure(plain)
  validate(experiment)
  return experiment


def from_mapping(raw: Mapping[str, Any], source: str = '') -> Experiment:
  """Returns the checked experiment that a plain mapping describes.

  Args:
    raw: as the YAML would hold it, without `sweep`.
    source: what an error calls it.

  Raises:
    ConfigError: something in it is wrong.
  """
  experiment = structure.structure(raw, source)
  try:
    validate(experiment)
  except ConfigError as error:
    raise error.at(source) from error.__cause__
  return estimate.fill(experiment)


def _experiment(
  plain: Mapping[str, Any],
  flags: Sequence[Override],
  choice: Sequence[Override],
  path: str,
) -> Experiment:
  try:
    return from_mapping(overrides.apply(plain, choice), path)
  except ConfigError as error:
    raise overrides.blame(error, [*flags, *choice]) from error.__cause__


def _add_plugins(
  plain: dict[str, Any], flags: Sequence[str], path: str
) -> None:
  """Registers plugins, and records them as paths that hold anywhere."""
  listed = plain.get('plugins') or []
  if not isinstance(listed, list) or not all(
    isinstance(one, str) for one in listed
  ):
    raise ConfigError(
      'plugins',
      f'expected a list of Python files; found {found(listed)}.',
      path,
    )
  folder = pathlib.Path(path).resolve().parent
  files = [str(folder / one) for one in listed]
  files += [str(pathlib.Path(one).resolve()) for one in flags]
  for file in files:
    try:
      registry.add_plugin(file)
    except ValueError as error:
      raise ConfigError('plugins', str(error), path) from error
  if files:
    plain['plugins'] = list(dict.fromkeys(files))
