"""Which room may know which, read from the sources.

docs/contributing.md shows the same house. A room above knows those below, never
the other way round; an arrow that this page does not have is a decision, made
here, and not a line in a commit about something else.
"""

import ast
import collections
import pathlib

import pytest

FLSEC = pathlib.Path(__file__).resolve().parent.parent / 'flsec'
GROUND = {'registry', 'seeds', 'atomic_file', 'source_file'}
# Room -> the rooms, or modules of the ground, that it may import.
ARROWS = {
  'source_file': set(),
  'component_source': {'source_file'},
  'registry': {'component_source'},
  'seeds': set(),
  'atomic_file': set(),
  'numerics': set(),
  'config': {'registry', 'source_file'},
  'data': {'registry', 'seeds'},
  'models': {'registry', 'seeds'},
  'metrics': {'numerics'},
  'aggregators': {'numerics', 'models', 'registry'},
  'attacks': {'numerics', 'models', 'registry'},
  'pruning': {'numerics', 'models', 'registry'},
  'defenses': {'numerics', 'models', 'pruning', 'registry', 'seeds'},
  'federated': {
    *('aggregators', 'attacks', 'config', 'data', 'defenses', 'metrics'),
    *('models', 'numerics', 'pruning', 'seeds'),
  },
  'loggers': {'registry', 'atomic_file'},
  'runtime': {'federated', 'config', 'atomic_file'},
  'experiment': {
    *('aggregators', 'attacks', 'config', 'data', 'defenses', 'federated'),
    *('loggers', 'metrics', 'models', 'pruning', 'runtime', *GROUND),
  },
  'reporting': {'experiment', 'metrics', 'config', 'registry', 'atomic_file'},
  'catalogue': {'config', 'experiment', 'reporting', 'atomic_file'},
  'sweeps': {
    *('config', 'experiment', 'reporting', 'runtime'),
    *('registry', 'atomic_file', 'source_file'),
  },
  'library': {
    *('attacks', 'config', 'data', 'experiment', 'federated', 'reporting'),
    *('runtime', 'sweeps'),
  },
  'commands': {
    *('catalogue', 'config', 'data', 'experiment', 'reporting'),
    *('runtime', 'sweeps', 'registry'),
  },
  'main': {'commands', 'config', 'experiment'},
}
# (room, module) that is imported all the same, and why.
EXCEPTIONS = {
  # A plain record of a root or validation set, which YAML and data share.
  ('config', 'flsec.data.dataset'),
}
PURE = ('numerics', 'aggregators', 'attacks', 'pruning', 'metrics')
# Of models, rules and attacks know where layers lie in the vector, and no more.
LAYOUT = {'flsec.models.layout', 'flsec.models.channel_layer'}
FILE_MODULES = {
  *('io', 'pathlib', 'shutil', 'tempfile', 'glob', 'zipfile', 'tarfile'),
  *('gzip', 'sqlite3', 'pickle', 'subprocess', 'socket', 'urllib', 'absl'),
}
# Triggers and edge cases come in a file that an option of the attack names.
READS_FILES = {'attacks/data/numpy_file.py'}

Imports = dict[str, set[str]]  # Path below flsec/ -> modules.


def _modules(tree: ast.AST) -> set[str]:
  found = set()
  for node in ast.walk(tree):
    if isinstance(node, ast.Import):
      found |= {name.name for name in node.names}
    elif isinstance(node, ast.ImportFrom):
      found |= {f'{node.module}.{name.name}' for name in node.names}
  return found


def _sources() -> dict[str, ast.AST]:
  return {
    str(path.relative_to(FLSEC)): ast.parse(path.read_text())
    for path in sorted(FLSEC.rglob('*.py'))
  }


SOURCES = _sources()
IMPORTS: Imports = {path: _modules(tree) for path, tree in SOURCES.items()}


def _room(path: str) -> str:
  return path.split('/')[0].removesuffix('.py')


def _files(*rooms: str) -> list[str]:
  return [path for path in SOURCES if _room(path) in rooms]


def _own(path: str) -> set[str]:
  """Returns what a file imports of flsec."""
  return {
    name
    for name in IMPORTS[path]
    if name.startswith('flsec.') and name != 'flsec.__version__'
  }


def _is_excepted(room: str, name: str) -> bool:
  return any(
    room == where and (name == module or name.startswith(f'{module}.'))
    for where, module in EXCEPTIONS
  )


def test_every_room_is_on_the_page():
  assert {_room(path) for path in SOURCES} - {'__init__'} == set(ARROWS)


@pytest.mark.parametrize('room', ARROWS)
def test_a_room_knows_only_those_below(room):
  wrong = collections.defaultdict(list)
  for path in _files(room):
    for name in _own(path):
      other = name.split('.')[1]
      if other not in {room, *ARROWS[room]} and not _is_excepted(room, name):
        wrong[path].append(name)
  assert not wrong


def test_there_are_no_circles_between_rooms():
  above, done = [], set()

  def visit(room):
    assert room not in above, [*above, room]
    if room not in done:
      above.append(room)
      for other in ARROWS[room]:
        visit(other)
      above.pop()
      done.add(room)

  for room in ARROWS:
    visit(room)


def test_every_exception_is_still_needed():
  for room, module in EXCEPTIONS:
    names = [name for path in _files(room) for name in _own(path)]
    assert any(name.startswith(f'{module}.') for name in names), module
  for path in READS_FILES:
    assert _touches_files(path), path


@pytest.mark.parametrize('room', PURE)
def test_a_pure_room_knows_no_tff_and_touches_no_file(room):
  for path in _files(room):
    assert not _imports(path, 'tensorflow_federated'), path
    assert path in READS_FILES or not _touches_files(path), path


@pytest.mark.parametrize('room', ['aggregators', 'attacks'])
def test_rules_and_attacks_know_the_layout_and_no_model(room):
  for path in _files(room):
    models = {name for name in _own(path) if name.startswith('flsec.models')}
    assert {'.'.join(name.split('.')[:3]) for name in models} <= LAYOUT, path


@pytest.mark.parametrize('room', ['config', *sorted(GROUND)])
def test_what_is_read_before_a_run_starts_needs_no_tensorflow(room):
  for path in _files(room):
    assert not _imports(path, 'tensorflow', 'tensorflow_federated'), path


def _imports(path: str, *packages: str) -> set[str]:
  return {n for n in IMPORTS[path] if n.split('.')[0] in packages}


def _touches_files(path: str) -> set[str]:
  """Returns the modules, calls and attributes with which a file is reached."""
  found = {name.split('.')[0] for name in IMPORTS[path]} & FILE_MODULES
  for node in ast.walk(SOURCES[path]):
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
      found |= {node.func.id} & {'open', 'print', 'input'}
    if isinstance(node, ast.Attribute):
      text = ast.unparse(node)
      # The number of cores is no file.
      if text.startswith('os.') and text != 'os.cpu_count':
        found.add(text)
      if text.startswith(('tf.io.', 'np.load', 'np.save', 'np.fromfile')):
        found.add(text)
  return found
