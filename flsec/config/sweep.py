"""Spans a grid: the product of what is varied, one cell a choice.

    sweep:
      server.aggregator: [mean, krum, {name: trimmed_mean, num_byzantine: 4}]
      seed: [1, 2, 3]

makes nine cells, `aggregator=mean,seed=1` and so on. `axes` says what else an
axis may be, and `conditions` what may stand beside the product.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from flsec.config import axes as axes_lib
from flsec.config import conditions as conditions_lib
from flsec.config.axes import Axis
from flsec.config.conditions import Condition
from flsec.config.errors import ConfigError, closest, found, join
from flsec.config.overrides import Override

_CONDITIONS = 'conditions'
_MAX_CELLS = 10_000


@dataclasses.dataclass(frozen=True)
class Choice:
  """One cell of a sweep.

  Attributes:
    labels: what names it, an axis and its choice each.
    overrides: what it changes, applied in this order.
  """

  labels: tuple[Override, ...] = ()
  overrides: tuple[Override, ...] = ()


@dataclasses.dataclass(frozen=True)
class Sweep:
  """What a sweep varies.

  Attributes:
    axes: what is varied; the last varies fastest.
    conditions: what holds in some of its cells only, in order.
    source: the file, for errors.
  """

  axes: tuple[Axis, ...] = ()
  conditions: tuple[Condition, ...] = ()
  source: str = ''

  @property
  def paths(self) -> list[str]:
    """Every path that differs between cells.

    A section that some case leaves out (`none: {attack: null}`) is none of
    them: what a flag says below it holds in the other cells.
    """
    settings = [one for c in self.conditions for one in c.overrides]
    for axis in self.axes:
      for option in axis.options:
        settings += [
          one
          for one in option.overrides
          if one.value is not None or not axis.has_cases
        ]
    return list(dict.fromkeys(one.path for one in settings))

  def choices(self) -> list[Choice]:
    """Returns the cells, the last axis varying fastest.

    Raises:
      ConfigError: there are too many, or conditions leave none.
    """
    total = math.prod(len(axis.options) for axis in self.axes)
    if total > _MAX_CELLS:
      raise ConfigError(
        'sweep',
        f'spans {total:,} cells; at most {_MAX_CELLS:,} are run. Vary fewer '
        'values, or split it into several files.',
        self.source,
      )
    product = itertools.product(*(axis.options for axis in self.axes))
    cells = [self._choice(options) for options in product]
    kept = [cell for cell in cells if cell is not None]
    if not kept:
      raise ConfigError(
        join('sweep', _CONDITIONS), 'skip every cell.', self.source
      )
    return kept

  def _choice(self, options: Sequence[axes_lib.Option]) -> Optional[Choice]:
    labels = tuple(one for option in options for one in option.labels)
    overrides = [one for option in options for one in option.overrides]
    for condition in self.conditions:
      if condition.holds(labels):
        if condition.skips:
          return None
        overrides += condition.overrides
    return Choice(labels, tuple(overrides))


def parse(given: Any, source: str) -> Sweep:
  """Reads what stands under `sweep:`.

  Args:
    given: a mapping of axes, and `conditions` where there are some; None for
      a single cell.
    source: the file, for errors.

  Raises:
    ConfigError: it is no such mapping, or one of its parts is wrong.
  """
  if given is None:
    return Sweep(source=source)
  if not isinstance(given, Mapping) or not given:
    raise ConfigError(
      'sweep',
      'expected a mapping from paths to lists of values, such as '
      f'`seed: [1, 2, 3]`; found {found(given)}.',
      source,
    )
  axes = tuple(
    axes_lib.parse(key, values, source)
    for key, values in given.items()
    if key != _CONDITIONS
  )
  conditions = conditions_lib.parse(given.get(_CONDITIONS), axes, source)
  return Sweep(axes, conditions, source)


def change(sweep: Sweep, changes: Mapping[str, Any], source: str) -> Sweep:
  """Returns a sweep with axes added, replaced, cut down or taken out.

  Args:
    sweep: what a file says.
    changes: axis -> its choices instead. Of an axis that the file has cases
      of, a list names the ones to keep. None takes an axis out.
    source: the flag or the part of the file that says so.

  Raises:
    ConfigError: an axis cannot be read, or has no such case.
  """
  found = {axis.key: axis for axis in sweep.axes}
  for key, given in changes.items():
    if given is None:
      _check_removable(key, sweep, source)
      found.pop(key)
    elif isinstance(given, list) and key in found and found[key].has_cases:
      found[key] = _only(found[key], given, source)
    else:
      found[key] = axes_lib.parse(key, given, source)
  return Sweep(tuple(found.values()), sweep.conditions, sweep.source)


def _check_removable(key: str, sweep: Sweep, source: str) -> None:
  keys = [axis.key for axis in sweep.axes]
  if key not in keys:
    raise ConfigError(
      join('sweep', key),
      f'is no axis of {sweep.source}{closest(key, keys)}',
      source,
    )
  if any(key in condition.when for condition in sweep.conditions):
    raise ConfigError(
      join('sweep', key),
      'cannot be taken out: a condition depends on it. Keep one choice of it.',
      source,
    )


def _only(axis: Axis, names: list[Any], source: str) -> Axis:
  cases = {str(o.labels[0].value): o for o in axis.options}
  for name in names:
    if str(name) not in cases:
      raise ConfigError(
        join('sweep', axis.key),
        f'has no case {str(name)!r}{closest(name, cases)} Cases: '
        f'{", ".join(cases)}.',
        source,
      )
  if not names:
    raise ConfigError(
      join('sweep', axis.key), 'expected at least one case.', source
    )
  kept = tuple(cases[str(name)] for name in names)
  return Axis(axis.key, kept, has_cases=True)


def check_apart(
  sweep: Sequence[str], overrides: Sequence[Override], source: str
) -> None:
  """Refuses a flag that sets what the sweep of the file varies.

  Args:
    sweep: the paths that it varies.
    overrides: of the flags.
    source: the file.

  Raises:
    ConfigError: both say what stands at a path, or one below the other.
  """
  for path in sweep:
    for override in overrides:
      ours, theirs = f'{path}.', f'{override.path}.'
      if ours.startswith(theirs) or theirs.startswith(ours):
        raise ConfigError(
          override.path,
          f'is varied by `sweep: {path}` of {source}, so a single value is '
          f'ambiguous. Give --sweep={path}=[...] instead, or take the path '
          'out of the sweep.',
          override.source,
        )
