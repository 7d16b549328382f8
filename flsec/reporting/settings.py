"""What sets runs apart: from the defaults, and from one another."""

import dataclasses
import itertools
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

from flsec import registry
from flsec.config import schema
from flsec.reporting.cell import Cell, natural_key

NO_DEFAULT = 'no default'
# What the defender chooses; all else is the threat and the setting.
_DEFENCE = ('server', 'pruning', 'defense')
_NO_SETTING = ('name', 'description', 'plugins', 'seed', 'runtime')


@dataclasses.dataclass(frozen=True)
class Change:
  """A setting that is not the default.

  Attributes:
    path: its place in the YAML, `attack.start_round`.
    value: as text.
    default: as text; `NO_DEFAULT` where there is none.
  """

  path: str
  value: str
  default: str


def changed(config: Mapping[str, Any]) -> list[Change]:
  """Returns the settings of a resolved configuration that differ from defaults.

  Settings that have no default count as changed.
  """
  return list(_changed_section(schema.Experiment, config, ''))


def _changed_section(
  section: type, values: Mapping[str, Any], path: str
) -> Iterator[Change]:
  kinds = schema.types_of(section)
  fields = {f.name: f for f in dataclasses.fields(section)}
  options = {k: v for k, v in values.items() if k not in fields}
  for name, field in fields.items():
    if name not in values:
      continue
    where = f'{path}{name}'
    nested = _section_of(kinds[name])
    default = _default_of(field)
    if nested is schema.Component and isinstance(values[name], Mapping):
      kind = field.metadata.get('kind', '')
      yield from _changed_component(kind, values[name], default, where)
    elif nested is not None and isinstance(values[name], Mapping):
      yield from _changed_section(nested, values[name], f'{where}.')
    elif _plain(default) != values[name]:
      yield Change(where, show(values[name]), _show_default(default))
    if name == 'name' and hasattr(section, 'KIND'):
      found = {'name': values['name'], **options}
      yield from _changed_options(section.KIND, found, path)


def _section_of(wanted: Any) -> Optional[type]:
  """Returns the dataclass of a field of type `X` or `Optional[X]`."""
  choices = (wanted, *typing.get_args(wanted))
  found = [c for c in choices if dataclasses.is_dataclass(c)]
  return found[0] if found and typing.get_origin(wanted) is not tuple else None


def _default_of(field: 'dataclasses.Field[Any]') -> Any:
  if field.default_factory is not dataclasses.MISSING:
    return field.default_factory()
  return field.default


def _changed_component(
  kind: str, values: Mapping[str, Any], default: Any, path: str
) -> Iterator[Change]:
  usual = getattr(default, 'name', None)
  if values.get('name') != usual:
    shown = NO_DEFAULT if default is dataclasses.MISSING else show(usual)
    yield Change(f'{path}.name', show(values.get('name')), shown)
  yield from _changed_options(kind, values, f'{path}.')


def _changed_options(
  kind: str, values: Mapping[str, Any], path: str
) -> Iterator[Change]:
  """Yields the options that differ from those in the component's signature."""
  # A plugin's component may not be known where the report is made.
  entry = registry.entries(kind).get(str(values.get('name')))
  defaults = {o.name: o for o in entry.options} if entry else {}
  for name, value in values.items():
    if name == 'name':
      continue
    option = defaults.get(name)
    required = option is None or option.is_required
    if required or _plain(option.default) != value:
      shown = NO_DEFAULT if required else show(option.default)
      yield Change(f'{path}{name}', show(value), shown)


def _plain(value: Any) -> Any:
  """Returns a default as YAML would give it."""
  if dataclasses.is_dataclass(value):
    names = [field.name for field in dataclasses.fields(value)]
    return {name: _plain(getattr(value, name)) for name in names}
  return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _show_default(default: Any) -> str:
  return NO_DEFAULT if default is dataclasses.MISSING else show(default)


def show(value: Any) -> str:
  """Returns a setting as a reader would write it."""
  if value is None:
    return 'none'
  if isinstance(value, bool):
    return str(value).lower()
  if isinstance(value, Mapping):
    return ', '.join(f'{key}: {show(one)}' for key, one in value.items())
  if isinstance(value, (list, tuple)):
    return ', '.join(map(show, value)) or 'none'
  return str(value)


def flatten(config: Mapping[str, Any], path: str = '') -> dict[str, Any]:
  """Returns a configuration's leaves by their dotted paths."""
  flat: dict[str, Any] = {}
  for key, value in config.items():
    if isinstance(value, Mapping) and value:
      flat.update(flatten(value, f'{path}{key}.'))
    else:
      flat[f'{path}{key}'] = value
  return flat


def varying(cells: Sequence[Cell]) -> list[str]:
  """Returns the settings in which runs differ, seeds left out.

  An option counts only where runs of the same component differ in it: that
  Krum has an option and the mean has not is said by their names.
  """
  flats = [flatten(cell.config) for cell in cells]
  paths = dict.fromkeys(itertools.chain.from_iterable(flats))
  return [p for p in paths if p.split('.')[0] not in _NO_SETTING
          and _varies(p, flats)]  # fmt: skip


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


@dataclasses.dataclass(frozen=True)
class Place:
  """Where a run stands in a comparison: its row and its column.

  Attributes:
    defence: what the defender chose, as far as runs differ in it.
    threat: the attack and the setting, as far as runs differ in them.
  """

  defence: str
  threat: str


def places(cells: Sequence[Cell]) -> list[Place]:
  """Returns each run's place in the comparison of defences and threats."""
  paths = varying(cells)
  defences = [p for p in paths if p.split('.')[0] in _DEFENCE]
  threats = [p for p in paths if p not in defences]
  flats = [flatten(cell.config) for cell in cells]
  return [Place(_label(defences, f), _label(threats, f)) for f in flats]


def in_order(labels: Sequence[str]) -> list[str]:
  """Returns the distinct labels: `no ...` first, then in natural order."""
  key = lambda label: (not label.startswith('no '), natural_key(label))
  return sorted(set(labels), key=key)


def _label(paths: Sequence[str], flat: Mapping[str, Any]) -> str:
  """Returns such as `krum`, `label_flip, scale=10` or `no attack`.

  A whole section that is absent is worth a word; that this rule takes no other
  rule, has no pre-aggregators, or leaves an option open, is not.
  """
  parts, left_open = [], []
  for path in paths:
    section, _, last = path.rpartition('.')
    absent = path not in flat or flat[path] is None
    if last == 'name' and absent:
      parts += [] if '.' in section else [f'no {section}']
    elif last == 'name':
      parts.append(show(flat[path]))
    elif section and path in flat and flat[path] != []:
      words = left_open if absent else parts
      words.append(f'{last}={show(flat[path])}')
  # Where nothing else tells the runs apart, it is.
  return ', '.join(parts or left_open)
