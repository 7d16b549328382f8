"""Finds every attack, rule, pruner, data set, model and partition by name.

A component is a function under a registering decorator:

    @registry.aggregator('krum', paper='Blanchard et al., NeurIPS 2017')
    def krum(*, num_byzantine: int) -> Rule:
      '''One line for `flsec list`. ...'''

Its keyword-only arguments are its options. What the registry tells (names,
options, defaults, papers) is read from the source text, so that listing and
checking a configuration never import TensorFlow; only `build` imports the one
module that it needs. A file outside the package joins through `add_plugin`.
"""

import difflib
import pathlib
import re
from collections.abc import Mapping
from typing import Any, Callable, TypeVar

from flsec.component_source import KINDS as KINDS
from flsec.component_source import REQUIRED as REQUIRED
from flsec.component_source import SUPPLIED as SUPPLIED
from flsec.component_source import Entry as Entry
from flsec.component_source import Expression as Expression
from flsec.component_source import Option as Option
from flsec.component_source import entries_of_file

_ROOT = pathlib.Path(__file__).parent
# Annotation of an option that takes a component -> the component's kind.
NESTED = {'Rule': 'aggregator', 'Attack': 'attack', 'Pruner': 'pruner'}

_Component = TypeVar('_Component', bound=Callable[..., Any])
_plugins: list[pathlib.Path] = []


def _decorator(kind: str) -> Callable[..., Callable[[_Component], _Component]]:
  def register(
    name: str, *, paper: str = '', later: tuple[str, ...] = ()
  ) -> Callable[[_Component], _Component]:
    """Names a component; all arguments must be literals."""
    del name, paper, later  # Read from the source text.
    return lambda component: component

  register.__name__ = kind
  return register


attack = _decorator('attack')
aggregator = _decorator('aggregator')
preaggregator = _decorator('preaggregator')
pruner = _decorator('pruner')
dataset = _decorator('dataset')
partition = _decorator('partition')
model = _decorator('model')
phase = _decorator('phase')
logger = _decorator('logger')


def entries(kind: str) -> dict[str, Entry]:
  """Returns the components of a kind, by name, in alphabetical order."""
  folder = _ROOT / KINDS[kind][0]
  files = [*sorted(folder.rglob('*.py')), *_plugins]
  found: dict[str, Entry] = {}
  for path in files:
    for entry in entries_of_file(path, path.stat().st_mtime_ns):
      if entry.kind != kind:
        continue
      if entry.name in found and found[entry.name] != entry:
        raise ValueError(
          f'Two {kind}s are named {entry.name!r}: {found[entry.name].path} '
          f'and {path}. Rename one.'
        )
      found[entry.name] = entry
  return dict(sorted(found.items()))


def entry(kind: str, name: str) -> Entry:
  """Returns one component; a ValueError names the closest there is."""
  known = entries(kind)
  if name not in known:
    raise ValueError(unknown_name(f'{kind} name', name, known))
  return known[name]


def unknown_name(what: str, found: str, allowed: Mapping[str, Any]) -> str:
  """Says that `found` is not one of `allowed`, and which one is closest."""
  close = difflib.get_close_matches(str(found), list(allowed), n=1, cutoff=0.5)
  hint = f'; did you mean {close[0]!r}?' if close else '.'
  return (
    f'Unknown {what} {found!r}{hint} Allowed: {", ".join(allowed) or "none"}.'
  )


def build(kind: str, name: str, **options: Any) -> Any:
  """Builds a component that needs nothing supplied: see `build_supplied`."""
  return build_supplied(kind, name, options, {})


def build_supplied(
  kind: str,
  name: str,
  options: Mapping[str, Any],
  supplied: Mapping[str, Any],
) -> Any:
  """Builds a component, and those nested in it, for a data set.

  Args:
    kind: of the component.
    name: the registered name.
    options: its own options; nested components are mappings or names.
    supplied: by name, what the data set and the experiment settle (`SUPPLIED`);
      each component gets those it has an option for, unless it is given.

  Raises:
    ValueError: unknown name, unknown or missing option.
  """
  found = entry(kind, name)
  allowed = {option.name: option for option in found.options}
  told = {key: supplied[key] for key in supplied if key in allowed}
  options = {**told, **options}
  for key in options:
    if key not in allowed:
      raise ValueError(
        unknown_name(f'option of {kind} {name!r}:', key, allowed)
      )
  missing = [o.name for o in found.options if o.is_required]
  missing = [key for key in missing if key not in options]
  if missing:
    raise ValueError(
      f'{kind} {name!r} needs the option {missing[0]!r}. '
      f'Its options: {", ".join(allowed)}.'
    )
  built = {
    key: _build_nested(allowed[key].annotation, value, supplied)
    for key, value in options.items()
  }
  return found.load()(**built)


def _build_nested(
  annotation: str, value: Any, supplied: Mapping[str, Any]
) -> Any:
  """Builds what an option such as `rule: Rule` or `Sequence[Attack]` takes."""
  words = re.findall(r'\w+', annotation)
  kind = next((NESTED[word] for word in words if word in NESTED), None)
  if kind and isinstance(value, str):
    return build_supplied(kind, value, {}, supplied)
  if kind and isinstance(value, Mapping):
    options = {key: item for key, item in value.items() if key != 'name'}
    return build_supplied(kind, value['name'], options, supplied)
  if kind and isinstance(value, (list, tuple)):
    return tuple(_build_nested(annotation, item, supplied) for item in value)
  return value


def add_plugin(path: str) -> None:
  """Adds a user's Python file: its decorated functions become components.

  Raises ValueError if the file is missing or registers nothing.
  """
  file = pathlib.Path(path).resolve()
  if not file.is_file():
    raise ValueError(f'Plugin file {path} does not exist.')
  if not entries_of_file(file, file.stat().st_mtime_ns):
    raise ValueError(
      f'Plugin file {path} registers nothing. Put a decorator such as '
      "@registry.aggregator('my_rule', paper='') above a function."
    )
  if file not in _plugins:
    _plugins.append(file)


def plugins() -> tuple[pathlib.Path, ...]:
  """Returns the files that were added, in that order."""
  return tuple(_plugins)


def names_in(path: pathlib.Path) -> tuple[str, ...]:
  """Returns the names of the components that a file registers."""
  found = entries_of_file(path, path.stat().st_mtime_ns)
  return tuple(entry.name for entry in found)
