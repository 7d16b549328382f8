"""Reads YAML strictly: no duplicate keys, every key a word, every float one."""

import pathlib
import re
from typing import Any

import yaml

from flsec.config.errors import ConfigError

_MERGE = 'tag:yaml.org,2002:merge'


class _Loader(yaml.SafeLoader):
  """A safe loader that refuses what plain YAML lets pass in silence."""


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
  try:
    return yaml.load(text, _Loader)
  except yaml.MarkedYAMLError as error:
    mark = error.problem_mark or error.context_mark
    where = f'line {mark.line + 1}, column {mark.column + 1}' if mark else ''
    problem = error.problem or error.context
    raise ConfigError(where, f'{problem}.', source) from error
  except (yaml.YAMLError, ValueError) as error:
    raise ConfigError('', f'not readable as YAML: {error}', source) from error


def read(path: str) -> dict[str, Any]:
  """Returns the mapping that a YAML file holds.

  Raises:
    ConfigError: the file cannot be read, or is no mapping.
  """
  try:
    text = pathlib.Path(path).read_text(encoding='utf-8')
  except (OSError, UnicodeDecodeError) as error:
    raise ConfigError('', f'cannot be read: {error}', path) from error
  raw = parse(text, path)
  if not isinstance(raw, dict):
    raise ConfigError(
      '', 'an experiment is a mapping such as `name: quickstart`.', path
    )
  return raw


def write(value: Any) -> str:
  """Returns YAML that `parse` reads back as an equal value."""
  return yaml.dump(
    value,
    Dumper=_Dumper,
    sort_keys=False,
    default_flow_style=None,
    allow_unicode=True,
  )
