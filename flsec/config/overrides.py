"""Changes single values of a configuration: `--set=attack.scale=10`."""

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

from flsec.config import yaml_file
from flsec.config.errors import ConfigError, join

_MAX_KEYS = 40


@dataclasses.dataclass(frozen=True)
class Override:
  """One value to be changed.

  Attributes:
    path: where, e.g. `server.preaggregators.0.num_neighbors`.
    value: what it becomes.
    source: the flag that says so, for errors.
  """

  path: str
  value: Any
  source: str

  @property
  def keys(self) -> list[str]:
    """The words of the path."""
    return self.path.split('.')


def parse(text: str, flag: str = '--set') -> Override:
  """Reads `path.to.value=...`; the value is YAML, so `[1, 2]` is a list.

  Raises:
    ConfigError: there is no `=`, no path, or the value is no YAML.
  """
  source = f'{flag}={text}'
  path, equals, value = text.partition('=')
  path = path.strip().replace('[', '.').replace(']', '')
  if not equals or not path or '' in path.split('.'):
    raise ConfigError(
      '', f'expected {flag}=path.to.value=VALUE, e.g. {flag}=seed=2.', source
    )
  if path.count('.') > _MAX_KEYS:
    raise ConfigError(
      '', f'a path has at most {_MAX_KEYS} words.', f'{source[:60]}...'
    )
  return Override(path, yaml_file.parse(value, source), source)


def apply(raw: Any, overrides: Sequence[Override]) -> Any:
  """Returns a copy of a plain configuration with values changed.

  A missing section is made, and a component that is only named (`aggregator:
  krum`) becomes a mapping, so that its options can be set. Whether a key may
  stand where it is put is checked with the rest of the configuration.

  Args:
    raw: what the YAML file holds.
    overrides: applied in this order.

  Raises:
    ConfigError: the path leads through a number or past the end of a list.
  """
  changed = copy.deepcopy(raw)
  for override in overrides:
    changed = _set(changed, override, 0)
  return changed


def blame(error: ConfigError, overrides: Sequence[Override]) -> ConfigError:
  """Returns the error, said to come from the flag that set the bad value."""
  wrong = f'{error.path}.'
  for override in reversed(overrides):
    theirs = f'{override.path}.'
    # A misspelt section (`servr.x`) is at fault above the value that was set.
    if wrong.startswith(theirs) or (error.path and theirs.startswith(wrong)):
      return error.at(override.source)
  return error


def _set(node: Any, override: Override, depth: int) -> Any:
  """Returns `node` with the value set below it, at keys[depth:]."""
  if depth == len(override.keys):
    # A later change below it must not reach other cells that share the value.
    return copy.deepcopy(override.value)
  key = override.keys[depth]
  if node is None:
    node = {}
  if isinstance(node, str):
    node = {'name': node}
  if isinstance(node, list):
    index = _index(node, key, override, depth)
    node[index] = _set(node[index], override, depth + 1)
    return node
  if not isinstance(node, dict):
    here = '.'.join(override.keys[:depth])
    raise ConfigError(
      here, f'is {node!r}, which has no part {key!r}.', override.source
    )
  node[key] = _set(node.get(key), override, depth + 1)
  return node


def _index(node: list[Any], key: str, override: Override, depth: int) -> int:
  here = '.'.join(override.keys[:depth])
  if not key.isdigit() or int(key) >= len(node):
    last = f'0 to {len(node) - 1}' if node else 'none: the list is empty'
    raise ConfigError(
      join(here, key),
      f'a list takes the number of an entry here; allowed: {last}.',
      override.source,
    )
  return int(key)
