"""Reads YAML strictly: no duplicate keys, every key a word, every float one."""

import re
from typing import Any, Optional

import yaml

from flsec.config.errors import ConfigError

_MERGE = 'tag:yaml.org,2002:merge'
# An experiment needs a few kilobytes, eight levels and some hundred values.
_MAX_CHARACTERS = 2**20
_MAX_DEPTH = 40
_MAX_VALUES = 100_000
_INT64 = 2**63


class _Loader(yaml.SafeLoader):
  """A safe loader that refuses what plain YAML lets pass in silence.

  It takes bounded time: nesting is refused as it is read, and aliases that
  stand for more values than the text has are refused before they are followed.
  """

  def __init__(self, text: str):
    super().__init__(text)
    self._depth = 0

  def compose_node(self, parent: Any, index: Any) -> yaml.Node:
    self._depth += 1
    if self._depth > _MAX_DEPTH:
      raise yaml.composer.ComposerError(
        problem=f'nested deeper than {_MAX_DEPTH} levels',
        problem_mark=self.peek_event().start_mark,
      )
    node = super().compose_node(parent, index)
    self._depth -= 1
    return node

  def get_single_node(self) -> Optional[yaml.Node]:
    node = super().get_single_node()
    if node is not None:
      _count(node, {})
    return node

  def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
    # Long ones would take time that grows with the square of their length.
    value = super().construct_yaml_int(node) if len(node.value) < 99 else _INT64
    if not -_INT64 <= value < _INT64:
      raise yaml.constructor.ConstructorError(
        problem=f'the number {node.value[:20]}... has more than 64 bits',
        problem_mark=node.start_mark,
      )
    return value


def _count(node: yaml.Node, counts: dict[yaml.Node, int]) -> int:
  """Returns how many values a node stands for, aliases followed.

  Raises:
    yaml.composer.ComposerError: too many, or a node within itself.
  """
  if node not in counts:
    counts[node] = _MAX_VALUES  # While it is counted: it may hold itself.
    parts = [] if isinstance(node, yaml.ScalarNode) else node.value
    if isinstance(node, yaml.MappingNode):
      parts = [one for pair in parts for one in pair]
    counts[node] = 1 + sum(_count(part, counts) for part in parts)
  if counts[node] > _MAX_VALUES:
    raise yaml.composer.ComposerError(
      problem=f'stands for more than {_MAX_VALUES:,} values, or for itself, '
      'by its aliases; write it without',
      problem_mark=node.start_mark,
    )
  return counts[node]


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
  """Builds a mapping; its own keys win over merged ones (`<<`)."""
  _check_keys(loader, node)
  loader.flatten_mapping(node)
  return {
    loader.construct_object(key): loader.construct_object(value, deep=True)
    for key, value in node.value
  }


def _check_keys(loader: _Loader, node: yaml.MappingNode) -> None:
  seen = set()
  for key_node, _ in node.value:
    if key_node.tag == _MERGE:
      continue
    key = loader.construct_object(key_node, deep=True)
    if not isinstance(key, str):
      raise yaml.constructor.ConstructorError(
        problem=f'found the key {key!r}; a key is a word (quote it if it is)',
        problem_mark=key_node.start_mark,
      )
    if key in seen:
      raise yaml.constructor.ConstructorError(
        problem=f'the key {key!r} stands here a second time; keep one',
        problem_mark=key_node.start_mark,
      )
    seen.add(key)


_Loader.add_constructor('tag:yaml.org,2002:int', _Loader.construct_yaml_int)
_Loader.add_constructor(
  yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping
)


class _Dumper(yaml.SafeDumper):
  """Writes every value out, with no anchors, as `_Loader` reads it."""

  def ignore_aliases(self, data: Any) -> bool:
    return True


# YAML 1.1, as PyYAML reads it, takes `1e-3` for a string.
for _class in (_Loader, _Dumper):
  _class.add_implicit_resolver(
    'tag:yaml.org,2002:float',
    re.compile(r'^[-+]?(\d[\d_]*\.?[\d_]*|\.[\d_]+)[eE][-+]?\d+$'),
    list('-+.0123456789'),
  )


def parse(text: str, source: str) -> Any:
  """Returns the value that a YAML text stands for.

  Args:
    text: one YAML document.
    source: what an error calls the text: a file or a flag.

  Raises:
    ConfigError: the text is not YAML, or says a key twice; names the line.
  """
  if len(text) > _MAX_CHARACTERS:
    raise ConfigError(
      '',
      f'has {len(text):,} characters; at most {_MAX_CHARACTERS:,} are read.',
      source,
    )
  try:
    return yaml.load(text, _Loader)
  except yaml.MarkedYAMLError as error:
    mark = error.problem_mark or error.context_mark
    where = f'line {mark.line + 1}, column {mark.column + 1}' if mark else ''
    problem = error.problem or error.context
    raise ConfigError(where, f'{problem}.', source) from error
  except (yaml.YAMLError, ValueError, OverflowError) as error:
    raise ConfigError('', f'not readable as YAML: {error}', source) from error


def read(path: str) -> dict[str, Any]:
  """Returns the mapping that a YAML file holds.

  Raises:
    ConfigError: the file cannot be read, or is no mapping.
  """
  raw = read_any(path)
  if not isinstance(raw, dict):
    raise ConfigError(
      '', 'an experiment is a mapping such as `name: quickstart`.', path
    )
  return raw


def read_any(path: str) -> Any:
  """Returns the value that a YAML file holds.

  Raises:
    ConfigError: the file cannot be read.
  """
  try:
    with open(path, encoding='utf-8') as file:
      # No more than `parse` takes: /dev/zero has no end.
      text = file.read(_MAX_CHARACTERS + 1)
  except (OSError, UnicodeDecodeError) as error:
    raise ConfigError('', f'cannot be read: {error}', path) from error
  return parse(text, path)


def write(value: Any) -> str:
  """Returns YAML that `parse` reads back as an equal value."""
  return yaml.dump(
    value,
    Dumper=_Dumper,
    sort_keys=False,
    default_flow_style=None,
    allow_unicode=True,
  )
