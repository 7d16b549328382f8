"""A nested mapping that remembers what was read, so that nothing is lost."""

from collections.abc import Iterator, Mapping
from typing import Any, Optional

from flsec.config.errors import found, join

# Whatever type a value has.
ANYTHING = object


class TrackedMapping:
  """Reads values by path; what is never read can be listed at the end.

  Attributes:
    notes: what a reader has to know, each as `path: text`.
    refusals: what makes another experiment of it, likewise.
  """

  def __init__(
    self, raw: Mapping[str, Any], names: Optional[Mapping[str, str]] = None
  ) -> None:
    """Wraps a mapping.

    Args:
      raw: what a file holds.
      names: what a path is called in the file, where it is called otherwise.
    """
    self._raw = raw
    self._names = names or {}
    self._read: set[str] = set()
    self.notes: list[str] = []
    self.refusals: list[str] = []

  def get(self, path: str, wanted: type, default: Any = None) -> Any:
    """Returns the value at a path; an ill-typed one is refused.

    An integer may stand for a float, and 0 and 1 for a boolean, as the schema
    of the reference code has it in places.

    Args:
      path: e.g. `client.malicious.attack_start`.
      wanted: its type, or `ANYTHING`.
      default: what an absent or null value counts as.
    """
    self._read.add(path)
    value = self._at(path)
    if value is None:
      return default
    is_boolean = isinstance(value, bool)
    if wanted is bool and not is_boolean and value in (0, 1):
      return bool(value)
    if wanted is float and isinstance(value, int) and not is_boolean:
      return float(value)
    if isinstance(value, wanted) and (
      not is_boolean or wanted in (bool, ANYTHING)
    ):
      return value
    self.refuse(path, f'expected {wanted.__name__}; found {found(value)}')
    return default

  def has(self, path: str) -> bool:
    """Tells whether there is anything but null at a path."""
    return self._at(path) is not None

  def is_set(self, path: str, unless: Any = None) -> bool:
    """Tells whether the value at a path does anything.

    Null, false, 0 and whatever is empty do not; nor does `unless`.
    """
    self._read.add(path)
    value = self._at(path)
    return bool(value) and value != unless

  def drop(self, path: str, why: str, unless: Any = None) -> None:
    """Notes why a value is not carried over.

    Args:
      path: where; nothing below it is listed as unread.
      why: the reason.
      unless: no note where the value is this one, which changes nothing.
    """
    if self.is_set(path, unless):
      value = self._at(path)
      shown = '' if isinstance(value, (Mapping, list)) else f'{value!r} '
      self.note(path, f'{shown}is not carried over: {why}')

  def note(self, path: str, text: str) -> None:
    """Adds a note."""
    self.notes.append(f'{self.name(path)}: {text}')

  def refuse(self, path: str, text: str) -> None:
    """Says that the result would be another experiment."""
    refusal = f'{self.name(path)}: {text}'
    if refusal not in self.refusals:
      self.refusals.append(refusal)

  def name(self, path: str) -> str:
    """Returns what a path is called in the file."""
    return self._names.get(path, path)

  def unread(self) -> list[str]:
    """Returns the paths of all values but null that were never asked for."""
    return [
      self.name(path)
      for path in _leaves(self._raw, '')
      if not self._was_read(path)
    ]

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
  elif path and node is not None:
    yield path
