"""What holds for every section of the schema that has fields."""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any, Optional

from flsec import registry
from flsec.config import annotations
from flsec.config.errors import ConfigError, closest, join
from flsec.config.schema import Component, types_of


def check_required(section: type, value: Mapping[str, Any], path: str) -> None:
  """Refuses a mapping that lacks a field which has no default.

  Raises:
    ConfigError: names the field, and a key that may be meant for it.
  """
  for field in dataclasses.fields(section):
    has_default = (
      field.default is not dataclasses.MISSING
      or field.default_factory is not dataclasses.MISSING
    )
    if not has_default and field.name not in value:
      wanted = annotations.describe(types_of(section)[field.name])
      hint = closest(field.name, value)
      raise ConfigError(
        join(path, field.name),
        f'is missing; expected {wanted}'
        + (f' (found {", ".join(value)}){hint}' if hint != '.' else '.'),
      )


def defaults(section: type) -> dict[str, Any]:
  """Returns what stands for absent components and sections, as in YAML.

  They are converted like given ones, so that their options are on record.
  """
  found: dict[str, Any] = {}
  for field in dataclasses.fields(section):
    default = field.default
    if isinstance(default, Component):
      found[field.name] = default.name
    elif isinstance(default, tuple) and default and kind_of(field):
      found[field.name] = [one.name for one in default]
    elif dataclasses.is_dataclass(field.default_factory):
      found[field.name] = {}
  return found


def section_of(wanted: Any) -> Optional[type]:
  """Returns the dataclass of a field of type `X` or `Optional[X]`."""
  choices = (wanted, *typing.get_args(wanted))
  found = [c for c in choices if dataclasses.is_dataclass(c)]
  return found[0] if found and typing.get_origin(wanted) is not tuple else None


def kind_of(field: 'dataclasses.Field[Any]') -> str:
  """Returns the kind of component that a field names, '' for none."""
  return field.metadata.get('kind', '')


def share(
  entry: registry.Entry,
  section: type,
  converted: Mapping[str, Any],
  rest: dict[str, Any],
  path: str,
) -> None:
  """Gives a component the fields of its section that it too has options of.

  Only a field without a default of its own can be shared: else it would not be
  known which default holds.
  """
  for field in dataclasses.fields(section):
    if field.name not in entry.option_names:
      continue
    if field.default not in (None, dataclasses.MISSING):
      raise ConfigError(
        join(path, field.name),
        f'{entry.kind} {entry.name!r} ({entry.path}) has an option of the '
        'name that every such section uses itself. Rename the option.',
      )
    if converted.get(field.name) is not None:
      rest[field.name] = converted[field.name]
