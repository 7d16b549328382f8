"""Reads the annotation of a component's option, a text, as a type.

The registry reads components from their source, so that an option's type is
known only as text. Whatever is not understood here (`tf.Tensor`) is `Any`: the
component itself checks it.
"""

import ast
import types
import typing
from typing import Any, Literal, Optional, Union

from flsec import registry
from flsec.config.schema import Component

_NAMES = {
  'int': int,
  'float': float,
  'str': str,
  'bool': bool,
  'None': type(None),
  'Any': Any,
  'dict': dict[str, Any],
  'Mapping': dict[str, Any],
  'list': tuple[Any, ...],
  'List': tuple[Any, ...],
  'tuple': tuple[Any, ...],
  'Tuple': tuple[Any, ...],
  'Sequence': tuple[Any, ...],
}
# `rule: Rule` takes the name of a rule, or a mapping with its options.
_NESTED = {
  name: type(name, (), {'KIND': kind}) for name, kind in registry.NESTED.items()
}
_SEQUENCES = ('list', 'List', 'Sequence', 'Iterable', 'Collection')
_MAPPINGS = ('dict', 'Dict', 'Mapping')


def parse(annotation: str) -> Any:
  """Returns the type that an annotation means, or `Any`."""
  if not annotation:
    return Any
  return _type(ast.parse(annotation, mode='eval').body)


def nested_kind(wanted: Any) -> Optional[str]:
  """Returns the kind of component an option takes, or None."""
  return wanted.KIND if wanted in _NESTED.values() else None


def held_kind(wanted: Any) -> Optional[str]:
  """Returns the kind of component in `Optional[Rule]` or `Sequence[Rule]`."""
  arms = [wanted, *typing.get_args(wanted)]
  return next(filter(None, map(nested_kind, arms)), None)


def _name(node: ast.expr) -> str:
  """Returns the last word of `typing.Optional` or `Optional`."""
  if isinstance(node, ast.Attribute):
    return node.attr
  return node.id if isinstance(node, ast.Name) else ''


def _type(node: ast.expr) -> Any:
  if isinstance(node, ast.Constant):
    if node.value is None:
      return type(None)
    # A quoted annotation.
    return parse(node.value) if isinstance(node.value, str) else Any
  if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
    return Union[_type(node.left), _type(node.right)]
  if isinstance(node, ast.Subscript):
    return _subscript(_name(node.value), node.slice)
  return {**_NAMES, **_NESTED}.get(_name(node), Any)


def _subscript(name: str, inner: ast.expr) -> Any:
  elements = inner.elts if isinstance(inner, ast.Tuple) else [inner]
  if name == 'Literal':
    return Literal[tuple(ast.literal_eval(element) for element in elements)]
  if name == 'Optional':
    return Optional[_type(inner)]
  if name == 'Union':
    return Union[tuple(_type(element) for element in elements)]
  if name in _SEQUENCES:
    return tuple[_type(inner), ...]
  if name in ('tuple', 'Tuple'):
    return tuple[
      tuple(
        ... if ast.unparse(element) == '...' else _type(element)
        for element in elements
      )
    ]
  return dict[str, Any] if name in _MAPPINGS else Any


def describe(wanted: Any) -> str:
  """Says in words what a value of a type is, e.g. `a list of integers`."""
  origin, inner = typing.get_origin(wanted), typing.get_args(wanted)
  if origin is Literal:
    words = ', '.join(str(word) for word in inner)
    return words if len(inner) == 1 else f'one of {words}'
  if is_union(wanted):
    return ' or '.join(
      'null' if arm is type(None) else describe(arm) for arm in inner
    )
  if origin is tuple:
    if inner[-1] is ...:
      return 'a list' + (
        '' if inner[0] is Any else f' ({describe(inner[0])} each)'
      )
    return f'a list of {len(inner)}'
  if origin is dict:
    return 'a mapping'
  if nested_kind(wanted):
    return f'an {nested_kind(wanted)} name, or a mapping with its options'
  words = {int: 'an integer', float: 'a number', str: 'a string'}
  words.update({bool: 'true or false', Any: 'anything'})
  words[Component] = 'a name, or a mapping such as {name: ..., option: ...}'
  return words.get(wanted, 'a mapping')


def is_union(wanted: Any) -> bool:
  """Tells whether a type is `Union[...]`, `Optional[...]` or `X | Y`."""
  written = getattr(types, 'UnionType', Union)  # Python 3.10 on.
  return typing.get_origin(wanted) in (Union, written)
