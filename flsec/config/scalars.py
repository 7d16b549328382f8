"""Tells plain values apart more strictly than Python does."""

from typing import Any


def is_scalar(value: Any, wanted: type) -> bool:
  """Tells whether a value is of a scalar type; true is no number."""
  if isinstance(value, bool):
    return wanted is bool
  return isinstance(value, (int, float) if wanted is float else wanted)


def same(value: Any, other: Any) -> bool:
  """Tells whether two plain values are equal, 1 and true told apart."""
  if isinstance(value, (list, tuple)) and isinstance(other, (list, tuple)):
    return len(value) == len(other) and all(map(same, value, other))
  return type(value) is type(other) and value == other
