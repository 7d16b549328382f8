"""The one error that a user's configuration raises."""

import difflib
from collections.abc import Iterable
from typing import Any


class ConfigError(ValueError):
  """Says where a configuration is wrong, what was found and what is allowed.

  Attributes:
    path: where in the YAML, e.g. `server.aggregator.num_byzantine`; empty for
      the file as a whole.
    message: what is wrong and the way out.
    source: the file, or the flag, that says it; empty where neither does.
  """

  def __init__(self, path: str, message: str, source: str = ''):
    self.path = path
    self.message = message
    self.source = source
    super().__init__(': '.join(p for p in (source, path, message) if p))

  def at(self, source: str) -> 'ConfigError':
    """Returns the same error, said to stand in `source`."""
    return ConfigError(self.path, self.message, source)


def join(path: str, key: Any) -> str:
  """Returns the YAML path of `key` below `path`."""
  return f'{path}.{key}' if path else str(key)


def closest(found: Any, allowed: Iterable[str]) -> str:
  """Returns `; did you mean 'x'?`, or a full stop where nothing is close."""
  close = difflib.get_close_matches(str(found), list(allowed), n=1, cutoff=0.5)
  return f'; did you mean {close[0]!r}?' if close else '.'


def found(value: Any) -> str:
  """Describes a value as a reader of YAML knows it, e.g. `'3' (a string)`."""
  if value is None:
    return 'nothing (null)'
  kinds = {
    bool: 'a boolean',
    int: 'an integer',
    float: 'a number',
    str: 'a string',
    list: 'a list',
    tuple: 'a list',
    dict: 'a mapping',
  }
  kind = kinds.get(type(value), type(value).__name__)
  text = repr(value)
  return f'{text if len(text) <= 60 else text[:57] + "..."} ({kind})'
