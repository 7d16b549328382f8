"""Fields and options that the schema did not have when runs were recorded.

`field(..., is_later=True)` marks the former, `later=(...)` of a component's
decorator the latter. Where they say nothing, a run from before them is the same
experiment as one from now.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping
from typing import Any

from flsec import registry
from flsec.config.schema import Component, Experiment, types_of
from flsec.config.sections import kind_of, section_of


def drop(section: Any, plain: dict[str, Any], kind: str = '') -> None:
  """Drops from a plain mapping what came later and has its default.

  Args:
    section: an experiment, a section of it, or a component.
    plain: the same, as a plain mapping.
    kind: of the component.
  """
  kind = kind or getattr(section, 'KIND', '')
  if kind:
    for name, default in _later_options(kind, section.name).items():
      if section.options.get(name) == default:
        plain.pop(name, None)
  if isinstance(section, Component):
    return
  for field in dataclasses.fields(section):
    value = getattr(section, field.name)
    if field.metadata.get('is_later') and value == field.default:
      del plain[field.name]
      continue
    parts = [(value, plain.get(field.name))]
    if isinstance(value, tuple):
      parts = list(zip(value, plain[field.name]))
    for part, own in parts:
      if dataclasses.is_dataclass(part):
        drop(part, own, kind_of(field))


def fill(plain: Mapping[str, Any]) -> dict[str, Any]:
  """Returns a run's configuration with the defaults of what came later.

  Args:
    plain: an experiment as its `config.yaml` holds it; sections may be missing.
  """
  return _filled(plain, Experiment, '')


def _filled(plain: Mapping[str, Any], section: type, kind: str) -> Any:
  kind = kind or getattr(section, 'KIND', '')
  found = dict(plain)
  if kind and isinstance(found.get('name'), str):
    found = {**_later_options(kind, found['name']), **found}
  if section is Component:
    return found
  kinds = types_of(section)
  for field in dataclasses.fields(section):
    if field.metadata.get('is_later'):
      found.setdefault(field.name, field.default)
    inner = section_of(kinds[field.name])
    if inner is not None and isinstance(found.get(field.name), Mapping):
      found[field.name] = _filled(found[field.name], inner, kind_of(field))
  return found


def _later_options(kind: str, name: str) -> dict[str, Any]:
  """Returns what came later of a component's options, with their defaults."""
  return dict(_read_options(kind, name, registry.plugins()))


@functools.cache
def _read_options(
  kind: str, name: str, plugins: tuple[pathlib.Path, ...]
) -> tuple[tuple[str, Any], ...]:
  del plugins  # Only a cache key: a plug-in may bring the component.
  entry = registry.entries(kind).get(name)
  if entry is None:
    return ()
  return tuple(
    (o.name, o.default) for o in entry.options if o.name in entry.later
  )
