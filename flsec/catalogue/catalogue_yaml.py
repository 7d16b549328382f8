"""Checks of what a catalogue says."""

import pathlib
from collections.abc import Mapping
from typing import Any

from flsec.config.errors import ConfigError, closest, found, join


def check_keys(
  raw: Mapping[str, Any],
  known: tuple[str, ...],
  path: str,
  source: str,
  required: tuple[str, ...] = ('title',),
) -> None:
  """Checks that keys are known and that none is missing.

  Args:
    raw: what stands there.
    known: the keys that there are.
    path: its place.
    source: the file.
    required: the keys that must stand there.

  Raises:
    ConfigError: a key is unknown or missing; names it.
  """
  for key in raw:
    if key not in known:
      raise ConfigError(
        join(path, key),
        f'is no key here{closest(key, known)} Keys: {", ".join(known)}.',
        source,
      )
  for key in required:
    if key not in raw:
      raise ConfigError(join(path, key), 'is missing.', source)


def mapping(given: Any, path: str, file: pathlib.Path) -> Mapping[str, Any]:
  """Returns a mapping that stands in a catalogue.

  Raises:
    ConfigError: it is something else.
  """
  if not isinstance(given, Mapping):
    raise ConfigError(
      path, f'expected a mapping; found {found(given)}.', str(file)
    )
  return given
