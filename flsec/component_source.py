"""What the source text of a Python file says of the components it registers.

So listing them and checking a configuration import nothing of theirs.
"""

import ast
import dataclasses
import functools
import pathlib
from typing import Any, Callable, Optional

from flsec import source_file

_ROOT = pathlib.Path(__file__).parent
# Kind -> (folder that holds its files, word of the command line).
KINDS = {
  'attack': ('attacks', 'attacks'),
  'aggregator': ('aggregators', 'aggregators'),
  'preaggregator': ('aggregators', 'preaggregators'),
  'pruner': ('pruning', 'pruners'),
  'dataset': ('data/sources', 'datasets'),
  'partition': ('data', 'partitions'),
  'model': ('models', 'models'),
  'phase': ('defenses', 'phases'),
  'logger': ('loggers', 'loggers'),
}
# Options that the data set and the experiment settle; no YAML gives them.
SUPPLIED = ('input_shape', 'num_classes', 'num_clients')
REQUIRED = '<required>'


class Expression(str):
  """The source text of a default that is no literal, e.g. `math.pi`."""


@dataclasses.dataclass(frozen=True)
class Option:
  """An option of a component: a keyword-only argument of its function."""

  name: str
  annotation: str
  default: Any = REQUIRED

  @property
  def is_required(self) -> bool:
    """Whether a configuration has to give it."""
    return isinstance(self.default, str) and self.default == REQUIRED


@dataclasses.dataclass(frozen=True)
class Entry:
  """What the source text says of one component."""

  kind: str
  name: str
  summary: str
  paper: str
  options: tuple[Option, ...]
  path: pathlib.Path
  function: str
  # Options that runs were recorded without: at their default they count in no
  # fingerprint.
  later: tuple[str, ...] = ()

  @property
  def option_names(self) -> tuple[str, ...]:
    """The names of all options."""
    return tuple(option.name for option in self.options)

  @property
  def settings(self) -> tuple[Option, ...]:
    """The options that a configuration may give."""
    return tuple(o for o in self.options if o.name not in SUPPLIED)

  def load(self) -> Callable[..., Any]:
    """Imports the component's module and returns its function."""
    return getattr(source_file.import_file(self.path), self.function)


@functools.cache
def entries_of_file(path: pathlib.Path, mtime: int) -> tuple[Entry, ...]:
  """Returns the components that a file registers.

  Args:
    path: a Python file.
    mtime: when it was changed last, in nanoseconds.

  Raises:
    ValueError: it cannot be read as Python, or a decorator's arguments are no
      literals.
  """
  del mtime  # Only a cache key: a file that changed is read again.
  try:
    text = path.read_text(encoding='utf-8')
    # Parsing takes long, and most files of a room register nothing.
    if path.is_relative_to(_ROOT) and '\n@registry.' not in text:
      return ()
    tree = ast.parse(text, filename=str(path))
  except (SyntaxError, ValueError, OSError) as error:
    raise ValueError(f'{path} cannot be read as Python: {error}') from error
  found = []
  for node in tree.body:
    if not isinstance(node, ast.FunctionDef):
      continue
    for decorator in node.decorator_list:
      registered = _registered(decorator, path)
      if registered:
        kind, name, paper, later = registered
        summary = (ast.get_docstring(node) or '').split('\n')[0]
        found.append(
          Entry(
            *(kind, name, summary, paper, _options(node), path, node.name),
            later,
          )
        )
  return tuple(found)


def _registered(
  node: ast.expr, path: pathlib.Path
) -> Optional[tuple[str, str, str, tuple[str, ...]]]:
  """Returns kind and arguments of `@registry.<kind>(...)`, else None."""
  if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
    return None
  module = ast.unparse(node.func.value).split('.')[-1]
  if module != 'registry' or node.func.attr not in KINDS:
    return None
  words = {keyword.arg: keyword.value for keyword in node.keywords}
  words.update(zip(['name'], node.args))
  try:
    name = ast.literal_eval(words['name'])
    paper = ast.literal_eval(words['paper']) if 'paper' in words else ''
    later = ast.literal_eval(words['later']) if 'later' in words else ()
  except (KeyError, ValueError) as error:
    raise ValueError(
      f'{path}, line {node.lineno}: @registry.{node.func.attr} takes its name '
      'and paper as literal strings, since they are read from the source text.'
    ) from error
  return node.func.attr, name, paper, tuple(later)


def _options(node: ast.FunctionDef) -> tuple[Option, ...]:
  options = []
  for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults):
    annotation = ast.unparse(argument.annotation) if argument.annotation else ''
    value = REQUIRED if default is None else _literal(default)
    options.append(Option(argument.arg, annotation, value))
  return tuple(options)


def _literal(node: ast.expr) -> Any:
  try:
    return ast.literal_eval(node)
  except ValueError:
    return Expression(ast.unparse(node))
