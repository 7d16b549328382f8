"""Small faults put into source text, one at a time."""

import ast
import collections
import dataclasses
from collections.abc import Iterator

_COMPARED = {
  ast.Lt: ast.LtE,
  ast.LtE: ast.Lt,
  ast.Gt: ast.GtE,
  ast.GtE: ast.Gt,
  ast.Eq: ast.NotEq,
  ast.NotEq: ast.Eq,
  ast.Is: ast.IsNot,
  ast.IsNot: ast.Is,
  ast.In: ast.NotIn,
  ast.NotIn: ast.In,
}
_COMPUTED = {
  ast.Add: ast.Sub,
  ast.Sub: ast.Add,
  ast.Mult: ast.Div,
  ast.Div: ast.Mult,
  ast.FloorDiv: ast.Mult,
  ast.Mod: ast.FloorDiv,
  ast.Pow: ast.Mult,
  ast.BitAnd: ast.BitOr,
  ast.BitOr: ast.BitAnd,
}
_CALLED = {
  'reduce_sum': 'reduce_mean',
  'reduce_mean': 'reduce_sum',
  'reduce_max': 'reduce_min',
  'reduce_min': 'reduce_max',
  'reduce_all': 'reduce_any',
  'reduce_any': 'reduce_all',
  'maximum': 'minimum',
  'minimum': 'maximum',
  'argmax': 'argmin',
  'argmin': 'argmax',
  'logical_and': 'logical_or',
  'logical_or': 'logical_and',
  'less': 'less_equal',
  'less_equal': 'less',
  'greater': 'greater_equal',
  'greater_equal': 'greater',
  'floor': 'ceil',
  'ceil': 'floor',
  'zeros': 'ones',
  'ones': 'zeros',
  'zeros_like': 'ones_like',
  'ones_like': 'zeros_like',
  'abs': 'identity',
  'sqrt': 'square',
  'square': 'sqrt',
  'multiply_no_nan': 'multiply',
  'divide_no_nan': 'divide',
}
# What no value comes from: annotations, and how a component is registered.
_LEFT = {'annotation', 'returns', 'decorator_list'}
# Arguments that no number depends on: how a graph is traced, how many steps of
# a loop run at once; TensorFlow's argsort is stable whatever it is told.
_UNSEEN = {'autograph', 'parallel_iterations', 'at_once', 'stable'}


@dataclasses.dataclass(frozen=True)
class Mutant:
  """A source file with one fault.

  Attributes:
    line: where the fault is.
    before: the statement as it is, on one line; of one with a body its head.
    after: what it becomes.
    text: the whole file with the fault.
  """

  line: int
  before: str
  after: str
  text: str


def names(source: str) -> list[tuple[str, str, str, int]]:
  """Names the mutants of a source text, in order.

  Returns:
    [(the line, what is changed in it, what that becomes, which of those that
    are the same in all this)]: an edit elsewhere leaves a name as it is.
  """
  lines = source.splitlines()
  known: collections.Counter = collections.Counter()
  found = []
  for node, _, changed in _changes(ast.parse(source)):
    name = lines[node.lineno - 1].strip(), _shown(node), _shown(changed)
    found.append((*name, known[name]))
    known[name] += 1
  return found


def mutant(source: str, number: int) -> Mutant:
  """Returns one mutant of a source text, by its number from 0."""
  tree = ast.parse(source)
  plain = ast.unparse(tree).splitlines()
  for current, (node, put, changed) in enumerate(_changes(tree)):
    if current == number:
      put(changed)
      text = ast.unparse(tree)
      ((before, after),) = (
        (a.strip(), b.strip())
        for a, b in zip(plain, text.splitlines())
        if a != b
      )
      return Mutant(node.lineno, before, after, text)
  raise IndexError(f'no mutant {number}: the text has {len(names(source))}')


def _shown(node):
  """Returns a node's source; of an `if` statement its condition."""
  if isinstance(node, ast.Pass):
    return ''
  if isinstance(node, ast.If):
    return f'if {ast.unparse(node.test)}'
  return ast.unparse(node)


def _changes(tree):
  """Yields (node, function that puts another in its place, the other)."""
  for node, put in _places(tree):
    for changed in _changed(node):
      yield node, put, changed


def _places(parent):
  if isinstance(parent, ast.keyword) and parent.arg in _UNSEEN:
    return
  for field, value in ast.iter_fields(parent):
    if field in _LEFT or isinstance(parent, ast.JoinedStr):
      continue
    if isinstance(value, list):
      for index, node in enumerate(value):
        if isinstance(node, ast.AST):
          yield node, _put_in_list(value, index)
          yield from _places(node)
    elif isinstance(value, ast.AST):
      yield value, _put_in_field(parent, field)
      yield from _places(value)


def _put_in_list(nodes, index):
  def put(node):
    nodes[index] = node

  return put


def _put_in_field(parent, field):
  return lambda node: setattr(parent, field, node)


def _changed(node):
  """Yields what may stand in a node's place."""
  if isinstance(node, ast.Compare):
    for index, op in enumerate(node.ops):
      ops = list(node.ops)
      ops[index] = _COMPARED[type(op)]()
      yield ast.Compare(node.left, ops, node.comparators)
  elif isinstance(node, ast.BinOp) and type(node.op) in _COMPUTED:
    yield ast.BinOp(node.left, _COMPUTED[type(node.op)](), node.right)
  elif isinstance(node, ast.UnaryOp):
    yield node.operand
  elif isinstance(node, ast.BoolOp):
    other = ast.And if isinstance(node.op, ast.Or) else ast.Or
    yield ast.BoolOp(other(), node.values)
  elif isinstance(node, ast.Constant):
    yield from _changed_value(node.value)
  elif isinstance(node, ast.Attribute) and node.attr in _CALLED:
    yield ast.Attribute(node.value, _CALLED[node.attr], node.ctx)
  elif isinstance(node, ast.IfExp):
    yield ast.IfExp(node.test, node.orelse, node.body)
  elif isinstance(node, ast.If):
    test = ast.UnaryOp(ast.Not(), node.test)
    yield ast.If(test, node.body, node.orelse)
  elif _does(node):
    yield ast.Pass()
  elif isinstance(node, ast.Call):
    for index, keyword in enumerate(node.keywords):
      if keyword.arg not in _UNSEEN:
        fewer = node.keywords[:index] + node.keywords[index + 1 :]
        yield ast.Call(node.func, node.args, fewer)


def _does(node):
  """Tells statements that may be left out: refusals, and calls alone."""
  if isinstance(node, ast.Expr):
    return isinstance(node.value, ast.Call)
  return isinstance(node, ast.Raise)


def _changed_value(value) -> Iterator[ast.Constant]:
  if isinstance(value, bool):
    yield ast.Constant(not value)
  elif isinstance(value, int):
    yield ast.Constant(value + 1)
  elif isinstance(value, float):
    yield ast.Constant(2 * value or 1.0)
