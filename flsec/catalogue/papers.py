"""The catalogue: `experiments/<paper>/catalogue.yaml`, one a paper.

title: FLAP (Meng et al., ICICS 2023)
entries:
  table1:
    where: Table 1
    title: Error rate and accuracy under attack, without and with FLAP
    runs: [{file: table1.yaml}]
    measures: {accuracy: {of: [attacked_mean, test/accuracy], times: 100}}
    missing: [the boost of the released code]
  figure2: {where: Figure 2, title: ..., picture_only: true, ...}
"""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any, Optional

from flsec.catalogue import measures as measures_lib
from flsec.catalogue.catalogue_yaml import check_keys, mapping
from flsec.catalogue.measures import Measure, is_axis
from flsec.config import shipped, yaml_file
from flsec.config.errors import ConfigError, closest, found, join

_ENTRY = (
  *('where', 'title', 'picture_only', 'seeds', 'runs', 'measures'),
  *('missing', 'causes'),
)
_RUN = ('file', 'keys', 'sweep', 'only')


Choices = Mapping[str, tuple[str, ...]]


@dataclasses.dataclass(frozen=True)
class Run:
  """An experiment that makes a part of a table.

  Attributes:
    file: its YAML.
    keys: key of the printed values -> what holds of all its cells, or
      `{axis}`, the cell's own choice of that axis.
    sweep: of its axes, the choices that are run for the table.
    only: of its axes, the choices that the table shows; the others are run to
      be compared with.
  """

  file: pathlib.Path
  keys: Mapping[str, str]
  sweep: Choices
  only: Choices

  def said_of(self, labels: Mapping[str, str]) -> dict[str, str]:
    """Returns what a cell says of the keys of printed values.

    Args:
      labels: the cell's choice of each axis.
    """
    said = dict(labels)
    for axis in (word[1:-1] for word in self.keys.values() if is_axis(word)):
      said.pop(axis, None)
    for key, word in self.keys.items():
      said[key] = labels[word[1:-1]] if is_axis(word) else word
    return said


@dataclasses.dataclass(frozen=True)
class Cause:
  """Why numbers differ from the printed ones, or what was tried to find out.

  Attributes:
    when: key, `measure` or `size` -> the choices that it holds of.
    because: the reason, or what did not come to the printed numbers either.
    is_found: whether it is the reason.
  """

  when: Choices
  because: str
  is_found: bool = True


@dataclasses.dataclass(frozen=True)
class Entry:
  """A table or figure of a paper.

  Attributes:
    paper: the paper's folder, such as `flap`.
    name: such as `table1`.
    where: as the paper calls it.
    title: a line.
    printed: the file of its numbers; None for a picture without any.
    results: the file of ours.
    seeds: how many runs of a cell the paper puts together.
    runs: the experiments that make it; none where it is not made yet.
    measures: of a printed value -> where it is found in a run.
    missing: what flsec cannot do of it, a line each.
    causes: why numbers differ.
  """

  paper: str
  name: str
  where: str
  title: str
  printed: Optional[pathlib.Path]
  results: pathlib.Path
  seeds: int
  runs: tuple[Run, ...]
  measures: Mapping[str, Measure]
  missing: tuple[str, ...]
  causes: tuple[Cause, ...]


@dataclasses.dataclass(frozen=True)
class Paper:
  """A paper.

  Attributes:
    name: its folder, such as `flap`.
    title: what it is called, by whom.
    entries: its tables and figures, by name.
  """

  name: str
  title: str
  entries: Mapping[str, Entry]


def holds(choices: Choices, labels: Mapping[str, str]) -> bool:
  """Tells whether a cell has one of the choices of each axis."""
  return all(labels.get(axis) in allowed for axis, allowed in choices.items())


def folder() -> pathlib.Path:
  """Returns the folder of experiments here, else the one that is shipped."""
  here = pathlib.Path(shipped.FOLDER.name)
  return here if any(here.glob(f'*/{shipped.CATALOGUE}')) else shipped.FOLDER


def read(root: pathlib.Path) -> dict[str, Paper]:
  """Returns the papers of a folder of experiments, by name.

  Raises:
    ConfigError: a catalogue is wrong; names the file and the place.
  """
  files = sorted(root.glob(f'*/{shipped.CATALOGUE}'))
  return {file.parent.name: _paper(file) for file in files}


def find(papers: Mapping[str, Paper], paper: str, name: str) -> Entry:
  """Returns a table or figure; `1` is `table1` where there is one.

  Raises:
    ConfigError: there is none of that name; says which there are.
  """
  if paper not in papers:
    raise ConfigError(
      '',
      f'there is no paper {paper!r}{closest(paper, papers)} Papers: '
      f'{", ".join(papers)}.',
    )
  entries = papers[paper].entries
  for word in (name, f'table{name}'):
    if word in entries:
      return entries[word]
  raise ConfigError(
    '',
    f'{paper} has no {name!r}{closest(name, entries)} It has '
    f'{", ".join(entries)}.',
  )


def _paper(file: pathlib.Path) -> Paper:
  raw = yaml_file.read(str(file))
  check_keys(raw, ('title', 'entries'), '', str(file))
  name = file.parent.name
  return Paper(
    name,
    raw['title'],
    {
      key: _entry(file, key, mapping(one, join('entries', key), file))
      for key, one in mapping(raw['entries'], 'entries', file).items()
    },
  )


def _entry(file: pathlib.Path, name: str, raw: Mapping[str, Any]) -> Entry:
  path, here = join('entries', name), file.parent
  check_keys(raw, _ENTRY, path, str(file))
  numbers = here / 'printed' / f'{name}.csv'
  if numbers.exists() == bool(raw.get('picture_only')):
    raise ConfigError(
      path,
      f'has both {numbers} and `picture_only`; keep one.'
      if numbers.exists()
      else f'has no {numbers}; write it, or say `picture_only: true`.',
      str(file),
    )
  measures = mapping(raw.get('measures') or {}, join(path, 'measures'), file)
  return Entry(
    file.parent.name,
    name,
    raw.get('where', name),
    raw['title'],
    numbers if numbers.exists() else None,
    here / 'results' / f'{name}.csv',
    raw.get('seeds', 1),
    tuple(_run(one, file, path) for one in raw.get('runs') or ()),
    measures_lib.read(measures, join(path, 'measures'), file),
    tuple(raw.get('missing') or ()),
    tuple(_cause(one, file, path) for one in raw.get('causes') or ()),
  )


def _run(raw: Mapping[str, Any], file: pathlib.Path, path: str) -> Run:
  path = join(path, 'runs')
  check_keys(raw, _RUN, path, str(file), required=('file',))
  sweep, only = (_choices(raw, key, path, file) for key in ('sweep', 'only'))
  given = mapping(raw.get('keys') or {}, join(path, 'keys'), file)
  keys = {key: str(word) for key, word in given.items()}
  return Run(file.parent / raw['file'], keys, sweep, only)


def _cause(raw: Mapping[str, Any], file: pathlib.Path, path: str) -> Cause:
  path = join(path, 'causes')
  is_found = 'tried' not in raw
  said = 'because' if is_found else 'tried'
  check_keys(raw, ('when', said), path, str(file), (said,))
  return Cause(_choices(raw, 'when', path, file), raw[said], is_found)


def _choices(
  raw: Mapping[str, Any], key: str, path: str, file: pathlib.Path
) -> Choices:
  given = mapping(raw.get(key) or {}, join(path, key), file)
  for axis, choices in given.items():
    if not isinstance(choices, list):
      raise ConfigError(
        join(join(path, key), axis),
        f'expected a list of choices; found {found(choices)}.',
        str(file),
      )
  return {axis: tuple(map(str, choices)) for axis, choices in given.items()}
