"""A nested mapping that remembers what was read, so that nothing is lost."""

from collections.abc import Iterator, Mapping
from typing import Any

from flsec.config.errors import found, join


class TrackedMapping:
  """Reads values by path; what is never read can be listed at the end.

  A value of the wrong type is treated as left out, with a note.

  Attributes:
    notes: what a reader has to know, each as `path: text`.
  """

  def __init__(self, raw: Mapping[str, Any]) -> None:
    self._raw = raw
    self._read: set[str] = set()
    self.notes: list[str] = []

  def get(self, path: str, wanted: type, default: Any = None) -> Any:
    """Returns the value at a path; an integer may stand for a float.

    Args:
      path: e.g. `client.malicious.attack_start`.
      wanted: its type.
      default: what an absent, null or ill-typed value counts as.
    """
    self._read.add(path)
    value = self._at(path)
    if value is None:
      return default
    if wanted is float and isinstance(value, int) and value is not True:
      return float(value)
    is_boolean = isinstance(value, bool)
    if isinstance(value, wanted) and (wanted is bool or not is_boolean):
      return value
    # The schema writes switches as 0 and 1 in places.
    if wanted is int and is_boolean:
      return int(value)
    if wanted is bool and value in (0, 1):
      return bool(value)
    self.note(path, f'expected {wanted.__name__}; found {found(value)}')
    return default

  def has(self, path: str) -> bool:
    """Tells whether there is anything but null at a path."""
    return self._at(path) is not None

  def drop(self, path: str, why: str, unless: Any = None) -> None:
    """Notes why a value is not carried over.

    Args:
      path: where; nothing below it is listed as unread.
      why: the reason.
      unless: no note where the value is this one, which changes nothing.
    """
    self._read.add(path)
    value = self._at(path)
    if value is not None and value != unless:
      shown = '' if isinstance(value, (Mapping, list)) else f' {value!r}'
      self.note(path, f'{shown.strip()} is not carried over: {why}'.strip())

  def note(self, path: str, text: str) -> None:
    """Adds a note."""
    self.notes.append(f'{path}: {text}')

  def unread(self) -> list[str]:
    """Returns the paths of all values that were never asked for."""
    return [path for path in _leaves(self._raw, '') if not self._was_read(path)]

  def _at(self, path: str) -> Any:
    node: Any = self._raw
    for key in path.split('.'):
      if not isinstance(node, Mapping):
        return None
      node = node.get(key)
    return node

  def _was_read(self, path: str) -> bool:
    return any(f'{path}.'.startswith(f'{read}.') for read in self._read)


def _leaves(node: Any, path: str) -> Iterator[str]:
  if isinstance(node, Mapping) and node:
    for key, value in node.items():
      yield from _leaves(value, join(path, key))
  elif path:
    yield path
