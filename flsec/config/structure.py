"""Makes an `Experiment` of the plain mapping that a YAML file holds.

Every key and value is checked on the way, and named by its YAML path where it
is wrong. Options of components are checked against what the registry reads
from their source, so nothing here imports TensorFlow.
"""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any, Literal

import dacite

from flsec import registry
from flsec.config import annotations
from flsec.config.errors import ConfigError, closest, found, join
from flsec.config.scalars import is_scalar, same
from flsec.config.schema import Component, Experiment, types_of
from flsec.config.sections import check_required, defaults, kind_of, share

# Follows the seed of the experiment unless the YAML gives it.
_FOLLOWS_EXPERIMENT = 'seed'
# Kinds whose required option `num_byzantine` may be left out (estimate.py).
ESTIMATING_KINDS = ('aggregator', 'preaggregator')


def structure(raw: Mapping[str, Any], source: str = '') -> Experiment:
  """Returns the experiment that a mapping describes.

  Args:
    raw: what the YAML file holds, `sweep` left out.
    source: the file, for errors.

  Raises:
    ConfigError: an unknown key or name, a missing one, or a wrong type.
  """
  try:
    plain = convert(raw, Experiment, '')
  except ConfigError as error:
    raise error.at(source) from error.__cause__
  return dacite.from_dict(Experiment, plain, dacite.Config(strict=True))


def convert(value: Any, wanted: Any, path: str, kind: str = '') -> Any:
  """Returns `value` as plain data of the type `wanted`.

  Args:
    value: what the YAML holds at `path`.
    wanted: a type: of a field of the schema, or of a component's option.
    path: where in the YAML.
    kind: of the component that `wanted` names, where it names one.

  Returns:
    Scalars, tuples and dictionaries; an integer where a number is wanted
    becomes a float.

  Raises:
    ConfigError: the value is none of that type.
  """
  if wanted is Any:
    return value
  if wanted is Component:
    return component(value, kind, path)
  if annotations.nested_kind(wanted):
    nested = component(value, annotations.nested_kind(wanted), path)
    return {'name': nested['name'], **nested['options']}
  if dataclasses.is_dataclass(wanted):
    return _section(value, wanted, path)
  origin, inner = typing.get_origin(wanted), typing.get_args(wanted)
  if annotations.is_union(wanted):
    return _union(value, wanted, path, kind)
  if origin is tuple and isinstance(value, (list, tuple)):
    return _sequence(value, inner, path, kind)
  if origin is Literal and any(same(value, word) for word in inner):
    return value
  if origin is dict and isinstance(value, Mapping):
    return dict(value)
  if origin is None and is_scalar(value, wanted):
    return float(value) if wanted is float else value
  if wanted is type(None) and value is None:
    return None
  hint = closest(value, map(str, inner)) if origin is Literal else '.'
  raise ConfigError(
    path,
    f'expected {annotations.describe(wanted)}; found {found(value)}{hint}',
  )


def component(value: Any, kind: str, path: str) -> dict[str, Any]:
  """Returns `{'name': ..., 'options': ...}` of a component of a kind.

  Args:
    value: its name, or a flat mapping with its name and options.
    kind: as in `registry.KINDS`.
    path: where in the YAML.

  Raises:
    ConfigError: unknown name or option, missing or ill-typed option.
  """
  if isinstance(value, str):
    value, path_of_name = {'name': value}, path
  else:
    path_of_name = join(path, 'name')
  if not isinstance(value, Mapping):
    raise ConfigError(
      path,
      f'expected the name of one of the {registry.KINDS[kind][1]}, or a '
      f'mapping `{{name: ..., option: ...}}`; found {found(value)}.',
    )
  entry = _entry(kind, value.get('name'), path_of_name)
  options = {key: one for key, one in value.items() if key != 'name'}
  return {'name': entry.name, 'options': _options(entry, options, path)}


def _entry(kind: str, name: Any, path: str) -> registry.Entry:
  known = registry.entries(kind)
  if not isinstance(name, str):
    raise ConfigError(
      path,
      f'expected the name of one of the {registry.KINDS[kind][1]}; found '
      f'{found(name)}. Allowed: {", ".join(known)}.',
    )
  if name not in known:
    raise ConfigError(path, registry.unknown_name(f'{kind} name', name, known))
  return known[name]


def _options(
  entry: registry.Entry,
  given: Mapping[str, Any],
  path: str,
  also: tuple[str, ...] = (),
) -> dict[str, Any]:
  """Returns every option of a component, defaults filled in.

  Args:
    entry: the component.
    given: the options that the YAML gives.
    path: of the component.
    also: further keys that may stand beside the options, for the message.
  """
  names = [option.name for option in entry.settings]
  for key in given:
    if key not in names:
      allowed = dict.fromkeys((*names, *also))
      raise ConfigError(
        join(path, key),
        registry.unknown_name(
          f'option of {entry.kind} {entry.name!r}:', key, allowed
        ),
      )
  filled = {}
  for option in entry.settings:
    if option.name in given:
      filled[option.name] = _option(option, given[option.name], path)
    elif not option.is_required:
      # A default that is no literal stays with the component.
      is_literal = not isinstance(option.default, registry.Expression)
      if is_literal and option.name != _FOLLOWS_EXPERIMENT:
        filled[option.name] = _default(option, path)
    elif option.name != 'num_byzantine' or entry.kind not in ESTIMATING_KINDS:
      wanted = annotations.describe(annotations.parse(option.annotation))
      raise ConfigError(
        join(path, option.name),
        f'{entry.kind} {entry.name!r} needs this option ({wanted}).',
      )
  return filled


def _option(option: registry.Option, value: Any, path: str) -> Any:
  # Equal but of another type (`True` for 1) is not the default.
  if same(value, option.default):
    return _default(option, path)
  wanted = annotations.parse(option.annotation)
  return convert(value, wanted, join(path, option.name))


def _default(option: registry.Option, path: str) -> Any:
  """Returns a default; that of a rule in full, as if the YAML named it."""
  wanted = annotations.parse(option.annotation)
  if annotations.held_kind(wanted) and option.default is not None:
    return convert(option.default, wanted, join(path, option.name))
  return option.default


def _section(value: Any, section: type, path: str) -> dict[str, Any]:
  """Returns the fields of a dataclass; what is left are its options."""
  short = getattr(section, 'SHORT', '')
  if short and isinstance(value, str):
    value = {short: value}
  if not isinstance(value, Mapping):
    names = ', '.join(types_of(section))
    raise ConfigError(
      path or 'experiment',
      f'expected a mapping with some of: {names}; found {found(value)}.',
    )
  kind = getattr(section, 'KIND', '')
  wanted = types_of(section)
  wanted.pop('options', None)
  rest = {key: one for key, one in value.items() if key not in wanted}
  if rest and not kind:
    key = next(iter(rest))
    raise ConfigError(
      join(path, key),
      registry.unknown_name(f'key of {path or "an experiment"}:', key, wanted),
    )
  check_required(section, value, path)
  # The component first: a misspelt name explains what else is wrong.
  entry = _entry(kind, value['name'], join(path, 'name')) if kind else None
  given = {**defaults(section), **value}
  converted = {}
  for field in dataclasses.fields(section):
    if field.name in given and field.name in wanted:
      converted[field.name] = convert(
        given[field.name],
        wanted[field.name],
        join(path, field.name),
        kind_of(field),
      )
  if entry:
    share(entry, section, converted, rest, path)
    converted['options'] = _options(entry, rest, path, tuple(wanted))
  return converted


def _union(value: Any, wanted: Any, path: str, kind: str) -> Any:
  arms = [arm for arm in typing.get_args(wanted) if arm is not type(None)]
  if value is None and len(arms) < len(typing.get_args(wanted)):
    return None
  if len(arms) == 1:
    return convert(value, arms[0], path, kind)
  for arm in arms:
    # An integer must not become a float where integers are welcome too.
    if arm is float and int in arms and is_scalar(value, int):
      continue
    try:
      return convert(value, arm, path, kind)
    except ConfigError:
      continue
  raise ConfigError(
    path, f'expected {annotations.describe(wanted)}; found {found(value)}.'
  )


def _sequence(
  value: Any, inner: tuple[Any, ...], path: str, kind: str
) -> tuple[Any, ...]:
  if inner[-1] is not ... and len(inner) != len(value):
    raise ConfigError(
      path, f'expected a list of {len(inner)}; found {found(value)}.'
    )
  types = [inner[0]] * len(value) if inner[-1] is ... else inner
  return tuple(
    convert(item, wanted, join(path, index), kind)
    for index, (item, wanted) in enumerate(zip(value, types))
  )
