"""Every public name says what it is: the API reference is made of that."""

import ast
import pathlib

import pytest

_FLSEC = pathlib.Path(__file__).resolve().parent.parent / 'flsec'
_FILES = sorted(_FLSEC.rglob('*.py'))


def undocumented(path):
  """Yields the public names of a file that have no docstring."""
  tree = ast.parse(path.read_text(encoding='utf-8'))
  if not ast.get_docstring(tree):
    yield 'the file itself'
  for node in tree.body:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
      if node.name.startswith('_'):
        continue
      if not ast.get_docstring(node):
        yield node.name
    # What a class inherits, it is told of there.
    own = isinstance(node, ast.ClassDef) and not node.bases
    for method in node.body if own else ():
      is_public = isinstance(method, ast.FunctionDef) and method.name[0] != '_'
      if is_public and not ast.get_docstring(method):
        yield f'{node.name}.{method.name}'


@pytest.mark.parametrize(
  'room', sorted({path.relative_to(_FLSEC).parts[0] for path in _FILES})
)
def test_every_public_name_has_a_docstring(room):
  files = [path for path in _FILES if path.relative_to(_FLSEC).parts[0] == room]
  found = {
    f'{path.relative_to(_FLSEC)}: {name}'
    for path in files
    for name in undocumented(path)
  }
  assert not found
