"""What sets runs apart from one another, and so where each one stands."""

import collections
import dataclasses
import itertools
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable, Optional

from flsec.config import estimate, schema
from flsec.reporting.cell import Cell, natural_key
from flsec.reporting.settings import show

# What the defender chooses; all else is the threat and the setting.
_DEFENCE = ('server', 'pruning', 'phases')
_NO_SETTING = ('name', 'description', 'plugins', 'seed', 'runtime')
# The choices of the runtime that change results.
_PRECISIONS = [f'runtime.{name}' for name in schema.RuntimeConfig.PRECISIONS]
_ESTIMATE = 'num_byzantine'
_NUM_MALICIOUS = 'attack.num_byzantine'


@dataclasses.dataclass(frozen=True)
class Place:
  """Where a run stands in a comparison: its row and its column.

  Attributes:
    defence: what the defender chose, as far as runs differ in it.
    threat: the attack and the setting, as far as runs differ in them.
  """

  defence: str
  threat: str


def places(cells: Sequence[Cell], ignored: Sequence[str] = ()) -> list[Place]:
  """Returns each run's place in the comparison of defences and threats.

  Args:
    cells: the runs.
    ignored: settings that are left out of the names, and so do not set runs
      apart.


  Two runs of one seed never share a place, since they are no two draws of one
  experiment: where their settings are the same, the experiment's name tells
  them apart, or else their folder does.
  """
  paths, flats = _varying(cells)
  paths = [path for path in paths if path not in ignored]
  defences = [p for p in paths if p.split('.')[0] in _DEFENCE]
  threats = [p for p in paths if p not in defences]
  usual = [_usual(own, flats) for own in (defences, threats)]
  found = [
    Place(_label(defences, f, usual[0]), _label(threats, f, usual[1]))
    for f in flats
  ]
  if ignored:
    return found
  ways: tuple[Callable[[Sequence[Cell]], list[str]], ...] = (_titles, _folders)
  for tell_apart in ways:
    if _is_told_apart(cells, found):
      break
    found = [
      Place(place.defence, ', '.join(filter(None, (name, place.threat))))
      for place, name in zip(found, tell_apart(cells))
    ]
  return found


def varying(cells: Sequence[Cell]) -> list[str]:
  """Returns the settings in which runs differ, seeds left out.

  An option counts only where runs of the same component differ in it: that
  Krum has an option and the mean has not is said by their names.
  """
  return _varying(cells)[0]


def numeric(cells: Sequence[Cell]) -> dict[str, list[Optional[float]]]:
  """Returns the settings that are numbers and vary, with each run's value.

  None where a run has no such setting. A run without attack has no malicious
  clients: its `attack.num_byzantine` is 0.
  """
  paths, flats = _varying(cells)
  found = {}
  for path in paths:
    values = [flat.get(path) for flat in flats]
    if path == _NUM_MALICIOUS:
      values = [0 if value is None else value for value in values]
    numbers = [value for value in values if value is not None]
    if all(type(one) in (int, float) for one in numbers):
      found[path] = values
  return {p: v for p, v in found.items() if len(set(v) - {None}) > 1}


def flatten(config: Mapping[str, Any], path: str = '') -> dict[str, Any]:
  """Returns a configuration's leaves by their dotted paths.

  The components of a list stand at its path and their place in it, as in
  `server.preaggregators.0.name`.
  """
  flat: dict[str, Any] = {}
  for key, value in config.items():
    if _is_list_of_components(value):
      value = {str(i): one for i, one in enumerate(value)}
    if isinstance(value, Mapping) and value:
      flat.update(flatten(value, f'{path}{key}.'))
    else:
      flat[f'{path}{key}'] = value
  return flat


def in_order(labels: Sequence[str]) -> list[str]:
  """Returns the distinct labels: `no ...` first, then in natural order."""
  key = lambda label: (not label.startswith('no '), natural_key(label))
  return sorted(set(labels), key=key)


def is_attacked(cell: Cell) -> bool:
  """Tells whether a run has malicious clients."""
  return bool((cell.config.get('attack') or {}).get(_ESTIMATE))


def _varying(
  cells: Sequence[Cell],
) -> tuple[list[str], list[dict[str, Any]]]:
  """Returns the paths in which runs differ, and each run's leaves."""
  flats = [flatten(config) for config in without_estimates(cells)]
  paths = dict.fromkeys(itertools.chain.from_iterable(flats))
  settings = [
    p for p in paths if p.split('.')[0] not in _NO_SETTING or p in _PRECISIONS
  ]
  return [p for p in settings if _varies(p, flats)], flats


def without_estimates(cells: Sequence[Cell]) -> list[Mapping[str, Any]]:
  """Returns the configurations without the f's that rules were filled with.

  Where the YAML leaves `num_byzantine` of a rule out, it is the number of
  malicious clients: an assumption (the perfect estimate) that is the same in
  all runs, although its value follows the attack. It is left out for those
  defences of which no run has another value than its own true one.
  """
  configs = [cell.config for cell in cells]
  bare = [_without(config.get('server')) for config in configs]
  true_numbers = [_true_number(config) for config in configs]
  kept = {
    repr(one)
    for one, config, number in zip(bare, configs, true_numbers)
    if any(f != number for f in _estimates(config.get('server')))
  }
  return [
    config if repr(one) in kept or 'server' not in config
    else {**config, 'server': one}
    for one, config in zip(bare, configs)
  ]  # fmt: skip


def _estimates(value: Any) -> Iterator[Any]:
  """Yields each `num_byzantine` in a part of a configuration."""
  if isinstance(value, Mapping):
    for key, one in value.items():
      yield from [one] if key == _ESTIMATE else _estimates(one)
  elif isinstance(value, (list, tuple)):
    for one in value:
      yield from _estimates(one)


def _without(value: Any) -> Any:
  """Returns a part of a configuration without any `num_byzantine`."""
  if isinstance(value, Mapping):
    return {k: _without(v) for k, v in value.items() if k != _ESTIMATE}
  if isinstance(value, (list, tuple)):
    return [_without(one) for one in value]
  return value


def _true_number(config: Mapping[str, Any]) -> Optional[int]:
  """Returns what a left out `num_byzantine` was filled with, or None."""
  try:
    experiment = schema.Experiment(
      name='', rounds=1, dataset=None, model=None,
      clients=_section(schema.ClientsConfig, config.get('clients')),
      attack=_section(schema.AttackConfig, config.get('attack')),
    )  # fmt: skip
    return estimate.num_byzantine_of_a_round(experiment)
  except (TypeError, AttributeError):  # A configuration that is not whole.
    return None


def _section(kind: type, values: Optional[Mapping[str, Any]]) -> Any:
  """Returns a section's dataclass of the keys that it knows."""
  if not values:
    return None
  known = {field.name for field in dataclasses.fields(kind)}
  return kind(**{k: v for k, v in values.items() if k in known})


def _is_list_of_components(value: Any) -> bool:
  return (
    isinstance(value, (list, tuple))
    and bool(value)
    and all(isinstance(one, Mapping) and 'name' in one for one in value)
  )


def _varies(path: str, flats: Sequence[Mapping[str, Any]]) -> bool:
  parent, _, last = path.rpartition('.')
  if last == 'name' or not parent:
    return len({repr(flat.get(path)) for flat in flats}) > 1
  groups: dict[str, set[str]] = {}
  for flat in flats:
    if path in flat:
      names = repr(flat.get(f'{parent}.name'))
      groups.setdefault(names, set()).add(repr(flat[path]))
  return any(len(values) > 1 for values in groups.values())


def _usual(
  paths: Sequence[str], flats: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
  """Returns the values that go without saying, by their paths, as `repr`.

  Of an option whose value follows from the components' names, it is the one
  that more than half of the combinations of names have: where one rule of many
  has another learning rate, that rule's label says so, and the others' need
  not.
  """
  names = [p for p in paths if p.rpartition('.')[2] == 'name']
  usual = {}
  for path in paths:
    values: dict[str, set[str]] = {}
    for flat in flats:
      if path in flat:
        combination = repr([flat.get(name) for name in names])
        values.setdefault(combination, set()).add(repr(flat[path]))
    if path in names or any(len(one) > 1 for one in values.values()):
      continue
    counts = collections.Counter(one for (one,) in values.values())
    ((value, count),) = counts.most_common(1)
    if 2 * count > len(values):
      usual[path] = value
  return usual


def _label(
  paths: Sequence[str], flat: Mapping[str, Any], usual: Mapping[str, str]
) -> str:
  """Returns such as `krum`, `label_flip, scale=10` or `no attack`.

  A whole section that is absent is worth a word; that this rule takes no other
  rule or has no pre-aggregators is not, nor that an option is left open or has
  its usual value.
  """
  parts, usual_parts, left_open = [], [], []
  for path in paths:
    section, _, last = path.rpartition('.')
    absent = path not in flat or flat[path] is None
    if last == 'name' and absent:
      parts += [] if '.' in section else [f'no {section}']
    elif last == 'name':
      parts.append(show(flat[path]))
    elif path in flat and flat[path] != [] and (section or not absent):
      words = left_open if absent else parts
      if not absent and usual.get(path) == repr(flat[path]):
        words = usual_parts
      words.append(f'{last}={show(flat[path])}')
  # Where nothing else tells the runs apart, it is.
  return ', '.join(parts or usual_parts or left_open)


def _is_told_apart(cells: Sequence[Cell], found: Sequence[Place]) -> bool:
  seen = collections.Counter(
    (place, repr(cell.config.get('seed'))) for place, cell in zip(found, cells)
  )
  return max(seen.values(), default=1) == 1


def _titles(cells: Sequence[Cell]) -> list[str]:
  titles = [cell.title for cell in cells]
  return titles if len(set(titles)) > 1 else [''] * len(titles)


def _folders(cells: Sequence[Cell]) -> list[str]:
  """Returns what is not common to the runs' paths, their own names last."""
  folders = [pathlib.Path(cell.path).absolute() for cell in cells]
  parents = [folder.parent for folder in folders]
  folders = parents if len(set(parents)) > 1 else folders
  common = os.path.commonpath(folders)
  return [os.path.relpath(folder, common) for folder in folders]
