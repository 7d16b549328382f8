"""What sets a run apart from the defaults."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from flsec import registry
from flsec.config import schema
from flsec.config.sections import section_of

NO_DEFAULT = 'no default'


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
    nested = section_of(kinds[name])
    default = _default_of(field)
    if nested is schema.Component and isinstance(values[name], Mapping):
      kind = field.metadata.get('kind', '')
      yield from _changed_component(kind, values[name], default, where)
    elif nested is not None and isinstance(values[name], Mapping):
      changes = list(_changed_section(nested, values[name], f'{where}.'))
      # A section that may be left out says something by being there.
      if default is None and not changes:
        changes = [Change(where, show(values[name]), show(None))]
      yield from changes
    elif _plain(default) != values[name]:
      yield Change(where, show(values[name]), _show_default(default))
    if name == 'name' and hasattr(section, 'KIND'):
      found = {'name': values['name'], **options}
      yield from _changed_options(section.KIND, found, path)


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
  if isinstance(value, schema.Component):
    return {'name': value.name, **value.options}
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
    pairs = [(key, one) for key, one in value.items() if key != 'name']
    options = ', '.join(f'{key}={show(one)}' for key, one in pairs)
    name = str(value.get('name', ''))
    return f'{name}({options})' if options or not name else name
  if isinstance(value, (list, tuple)):
    return ', '.join(map(show, value)) or 'none'
  return str(value)
