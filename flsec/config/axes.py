"""What a sweep varies: an axis is a list of choices.

server.aggregator: [mean, krum]       # values of a path
attack.scale, server.learning_rate:   # of several paths, in step
  - [10, 0.1]
  - [20, 0.05]
threat:                               # cases, each with a name
  none: {attack: null}
  strong: {attack.scale: 10, attack.num_byzantine: 4}
"""

import collections
import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from flsec.config.errors import ConfigError, found, join
from flsec.config.overrides import Override

_CASE_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9_.+-]*')


@dataclasses.dataclass(frozen=True)
class Option:
  """One choice of an axis.

  Attributes:
    labels: what names it: of each path its value, or of the axis its case.
    overrides: what it changes.
  """

  labels: tuple[Override, ...]
  overrides: tuple[Override, ...]


@dataclasses.dataclass(frozen=True)
class Axis:
  """What one line of a sweep varies.

  Attributes:
    key: its key: a path, paths with commas between, or a name of cases.
    options: its choices, at least one.
    has_cases: whether these have names of their own.
  """

  key: str
  options: tuple[Option, ...]
  has_cases: bool = False


def parse(key: str, given: Any, source: str) -> Axis:
  """Reads an axis.

  Args:
    key: as it stands under `sweep:`.
    given: what stands there: a list of values, or a mapping of names to
      mappings of paths to values.
    source: the file, for errors.

  Raises:
    ConfigError: it is neither, or holds a value twice.
  """
  where = f'{source} (sweep)'
  if isinstance(given, Mapping) and given:
    cases = tuple(_case(key, *item, where) for item in given.items())
    return Axis(key, cases, has_cases=True)
  if not isinstance(given, list) or not given:
    raise ConfigError(
      join('sweep', key),
      'expected a list of at least one value, or cases such as '
      f'`none: {{attack: null}}`; found {found(given)}.',
      source,
    )
  _check_distinct(key, given, source)
  paths = [path.strip() for path in key.split(',')]
  if len(paths) == 1:
    return Axis(key, tuple(_values(paths, [one], where) for one in given))
  for row in given:
    if not isinstance(row, list) or len(row) != len(paths):
      raise ConfigError(
        join('sweep', key),
        f'expected rows of {len(paths)} values, one for each path; found '
        f'{found(row)}.',
        source,
      )
  return Axis(key, tuple(_values(paths, row, where) for row in given))


def _values(paths: Sequence[str], values: Sequence[Any], source: str) -> Option:
  pairs = tuple(Override(p, v, source) for p, v in zip(paths, values))
  return Option(pairs, pairs)


def _case(key: str, name: str, settings: Any, source: str) -> Option:
  path = join(join('sweep', key), name)
  if not _CASE_NAME.fullmatch(name):
    raise ConfigError(
      path,
      "is no case's name: letters, digits and `_ . + -` are.",
      source,
    )
  if settings is not None and not isinstance(settings, Mapping):
    raise ConfigError(
      path,
      'expected what the case sets, a mapping of paths to values (`{}`: '
      f'nothing); found {found(settings)}.',
      source,
    )
  return Option(
    (Override(key, name, source),),
    tuple(Override(p, v, source) for p, v in (settings or {}).items()),
  )


def _check_distinct(key: str, values: list[Any], source: str) -> None:
  counts = collections.Counter(map(repr, values))
  twice = [text for text, count in counts.items() if count > 1]
  if twice:
    raise ConfigError(
      join('sweep', key), f'holds {twice[0]} twice; keep one.', source
    )
