"""How large an experiment is, read from its YAML without checking it all."""

import dataclasses
import functools
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from flsec.catalogue import papers
from flsec.catalogue.papers import Choices, Entry
from flsec.config import cell_names, overrides, sizes, yaml_file

_PARTS = ('rounds', 'clients')


@dataclasses.dataclass(frozen=True)
class Outline:
  """What a size of an experiment comes to.

  Attributes:
    cells: how many runs.
    rounds: of the longest.
    clients: of the largest federation.
  """

  cells: int
  rounds: int
  clients: int

  def __str__(self) -> str:
    cells = '1 cell' if self.cells == 1 else f'{self.cells} cells'
    return f'{cells} x {self.rounds} rounds x {self.clients} clients'


def sizes_of(file: pathlib.Path) -> list[str]:
  """Returns the sizes of an experiment, `full` first."""
  return sizes.names(_raw(file), str(file))


def is_smaller(entry: Entry, size: str) -> bool:
  """Tells whether the runs of a size have less of anything than the paper's."""
  return any(sizes.is_smaller(raw, size) for raw in _with(entry, size))


def has_other_settings(entry: Entry, size: str) -> bool:
  """Tells whether the runs of a size are others than some of the paper's."""
  return any(sizes.changed(raw, size) for raw in _with(entry, size))


def _with(entry: Entry, size: str) -> Iterator[Mapping[str, Any]]:
  """Yields what the files hold that have a size."""
  for run in entry.runs:
    if size in sizes_of(run.file):
      yield _raw(run.file)


def outline(file: pathlib.Path, size: str, choices: Choices) -> Outline:
  """Returns how large a size of an experiment is.

  Args:
    file: its YAML.
    size: which size.
    choices: of its axes, the choices that count.
  """
  plain, varied = sizes.resize(_raw(file), size, str(file))
  cells = varied.choices()
  labels = cell_names.labels([cell.labels for cell in cells])
  parts = {key: plain.get(key) for key in _PARTS}
  made = [
    overrides.apply(parts, [o for o in c.overrides if o.keys[0] in _PARTS])
    for c, own in zip(cells, labels)
    if papers.holds(choices, own)
  ]
  return Outline(
    len(made),
    max((one['rounds'] for one in made), default=0),
    max((one['clients']['num_clients'] for one in made), default=0),
  )


@functools.cache
def _raw(file: pathlib.Path) -> Mapping[str, Any]:
  return yaml_file.read(str(file))
