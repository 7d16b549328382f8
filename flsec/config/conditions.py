"""What holds in some cells of a sweep only, beside the product of its axes.

conditions:
  - when: {server.aggregator: [krum, multi_krum], threat: full}
    set: {attack.name: fang_krum}
  - when: {server.aggregator: mean, threat: full}
    skip: the paper has no such cell
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from flsec.config.axes import Axis
from flsec.config.errors import ConfigError, closest, found, join
from flsec.config.overrides import Override

_KEYS = ('when', 'set', 'skip')


@dataclasses.dataclass(frozen=True)
class Condition:
  """What holds where some axes have some of their choices.

  Attributes:
    when: axis -> its choices, as `label` words them.
    overrides: what is set in such a cell.
    skips: whether such a cell is left out.
  """

  when: Mapping[str, frozenset[str]]
  overrides: tuple[Override, ...]
  skips: bool

  def holds(self, labels: Sequence[Override]) -> bool:
    """Tells whether it holds in the cell of these labels."""
    own = {one.path: label(one.value) for one in labels}
    return all(own.get(axis) in allowed for axis, allowed in self.when.items())


def label(value: Any) -> str:
  """Returns what a condition calls a choice: a component by its name."""
  if isinstance(value, Mapping) and 'name' in value:
    value = value['name']
  if value is None:
    return 'null'
  return str(value).lower() if isinstance(value, bool) else str(value)


def parse(
  given: Any, axes: Sequence[Axis], source: str
) -> tuple[Condition, ...]:
  """Reads the list under `sweep.conditions`.

  Args:
    given: the list; None for none.
    axes: of the same sweep, all choices of the file in them.
    source: the file, for errors.

  Raises:
    ConfigError: it is no such list, or names what no axis has.
  """
  if given is None:
    return ()
  if not isinstance(given, list):
    raise ConfigError(
      'sweep.conditions',
      'expected a list of `{when: ..., set: ...}` or `{when: ..., skip: '
      f'reason}}`; found {found(given)}.',
      source,
    )
  known: dict[str, set[str]] = {}
  for axis in axes:
    for option in axis.options:
      for one in option.labels:
        known.setdefault(one.path, set()).add(label(one.value))
  return tuple(
    _condition(one, known, join('sweep.conditions', i), source)
    for i, one in enumerate(given)
  )


def _condition(
  given: Any, known: Mapping[str, set[str]], path: str, source: str
) -> Condition:
  if not isinstance(given, Mapping) or set(given) not in (
    {'when', 'set'},
    {'when', 'skip'},
  ):
    raise ConfigError(
      path,
      'expected a mapping of `when` and either `set` or `skip`; found '
      f'{found(given)}.',
      source,
    )
  when = _mapping(given['when'], join(path, 'when'), source)
  skip: Optional[Any] = given.get('skip')
  if 'skip' in given and not (isinstance(skip, str) and skip):
    raise ConfigError(
      join(path, 'skip'),
      f'expected the reason, a line for readers; found {found(skip)}.',
      source,
    )
  changes = (
    _mapping(given['set'], join(path, 'set'), source) if 'set' in given else {}
  )
  return Condition(
    {
      axis: _allowed(axis, choices, known, join(path, 'when'), source)
      for axis, choices in when.items()
    },
    tuple(Override(p, v, f'{source} ({path})') for p, v in changes.items()),
    'skip' in given,
  )


def _allowed(
  axis: str,
  choices: Any,
  known: Mapping[str, set[str]],
  path: str,
  source: str,
) -> frozenset[str]:
  if axis not in known:
    raise ConfigError(
      join(path, axis),
      f'is no axis of this sweep{closest(axis, known)} Axes: '
      f'{", ".join(known)}.',
      source,
    )
  words = [
    label(one) for one in (choices if isinstance(choices, list) else [choices])
  ]
  for word in words:
    if word not in known[axis]:
      raise ConfigError(
        join(path, axis),
        f'{word!r} is no choice of that axis{closest(word, known[axis])} '
        f'Choices: {", ".join(sorted(known[axis]))}.',
        source,
      )
  return frozenset(words)


def _mapping(given: Any, path: str, source: str) -> Mapping[str, Any]:
  if not isinstance(given, Mapping) or not given:
    raise ConfigError(
      path, f'expected a mapping; found {found(given)}.', source
    )
  return given
