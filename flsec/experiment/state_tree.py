"""A state of nested containers as leaves with paths, and back."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Optional

import numpy as np

Path = tuple[str, ...]


def _children(node: Any) -> Optional[list[tuple[str, Any]]]:
  """Returns the named parts of a container; None for a leaf."""
  if isinstance(node, Mapping):
    return [(_key(key), value) for key, value in node.items()]
  if isinstance(node, tuple) and hasattr(node, '_fields'):
    return list(zip(node._fields, node))
  if isinstance(node, (list, tuple)):
    return [(str(i), value) for i, value in enumerate(node)]
  names = _field_names(node)
  if names is not None:
    return [(name, getattr(node, name)) for name in names]
  return None


def _key(key: Any) -> str:
  if not isinstance(key, str):
    raise TypeError(f'Keys of a state must be strings; got {key!r}.')
  return key


def _field_names(node: Any) -> Optional[list[str]]:
  """Returns the fields of a dataclass or attrs object; None for others."""
  if dataclasses.is_dataclass(node) and not isinstance(node, type):
    return [field.name for field in dataclasses.fields(node)]
  attributes = getattr(type(node), '__attrs_attrs__', None)
  return None if attributes is None else [a.name for a in attributes]


def leaves_of(node: Any, path: Path = ()) -> Iterator[tuple[Path, np.ndarray]]:
  """Yields every leaf with its path, in order; None has no leaf."""
  if node is None:
    return
  children = _children(node)
  if children is None:
    yield path, _to_array(node, path)
    return
  for name, child in children:
    yield from leaves_of(child, (*path, name))


def _to_array(leaf: Any, path: Path) -> np.ndarray:
  array = np.asarray(leaf)
  if array.dtype.kind not in 'biufcSU':
    raise TypeError(
      f'The state at {_show(path)} is a {type(leaf).__name__} with dtype '
      f'{array.dtype}, which cannot be saved without pickling. Turn it into '
      'arrays of numbers.'
    )
  return array


def difference(
  template: Any, leaves: Mapping[Path, np.ndarray]
) -> Optional[str]:
  """Says how leaves differ from those of a state; None where they do not."""
  wanted = dict(leaves_of(template))
  found = (
    *(f'{_show(p)} is missing' for p in wanted if p not in leaves),
    *(f'{_show(p)} is not known here' for p in leaves if p not in wanted),
    *(
      f'{_show(p)} is {_kind(leaves[p])}, not {_kind(array)}'
      for p, array in wanted.items()
      if p in leaves and _kind(leaves[p]) != _kind(array)
    ),
  )
  return found[0] if found else None


def fill(node: Any, leaves: Mapping[Path, np.ndarray], path: Path = ()) -> Any:
  """Returns a state with its leaves replaced by those of the same paths."""
  if node is None:
    return None
  children = _children(node)
  if children is None:
    return _like(node, leaves[path])
  parts = {name: fill(child, leaves, (*path, name)) for name, child in children}
  if isinstance(node, (Mapping, list)) or type(node) is tuple:
    values = parts if isinstance(node, Mapping) else parts.values()
    return type(node)(values)
  return type(node)(**parts)


def _like(leaf: Any, array: np.ndarray) -> Any:
  """Returns an array, or a scalar of the leaf's own type."""
  if isinstance(leaf, np.generic):
    return array[()]
  if isinstance(leaf, (bool, int, float, complex, str, bytes)):
    return type(leaf)(array[()])
  return array


def _kind(array: np.ndarray) -> str:
  # The length of a string is no part of its kind.
  name = array.dtype.kind if array.dtype.kind in 'SU' else array.dtype.name
  return f'{name}{list(array.shape)}'


def _show(path: Path) -> str:
  return '/'.join(path) or 'its root'
