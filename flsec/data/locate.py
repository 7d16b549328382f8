"""Where the files of a data set are looked for, and whether they are there.

Each file of `sources/` says it in literals that are read from its text, so
that asking imports neither the source nor TensorFlow:

    FILES: alternatives in the data folder; each a tuple of relative paths.
    KERAS_FILES: alternatives in Keras' cache, if Keras has a loader.
    ORIGIN: the address that it is downloaded from.
"""

import ast
import dataclasses
import os
import pathlib
from typing import Optional

from flsec import registry

_LITERALS = ('FILES', 'KERAS_FILES', 'ORIGIN')


@dataclasses.dataclass(frozen=True)
class Location:
  """Where one data set is, or would be.

  Attributes:
    name: the registered name.
    files: the files found; empty if absent or embedded.
    is_embedded: true if it comes with an installed package.
    searched: every path looked for, in order.
    origin: the address that it is downloaded from, or ''.
  """

  name: str
  files: tuple[str, ...]
  is_embedded: bool
  searched: tuple[str, ...]
  origin: str

  @property
  def is_present(self) -> bool:
    """Whether a run needs no download."""
    return self.is_embedded or bool(self.files)


def default_data_dir() -> str:
  """Returns the folder of data sets: $FLSEC_DATA_DIR, else `data`."""
  return os.environ.get('FLSEC_DATA_DIR') or 'data'


def keras_cache() -> str:
  """Returns the folder where Keras keeps data sets."""
  home = os.environ.get('KERAS_HOME') or os.path.join(
    os.path.expanduser('~'), '.keras'
  )
  return os.path.join(home, 'datasets')


def candidates(
  data_dir: str,
  files: tuple[tuple[str, ...], ...],
  keras_files: tuple[tuple[str, ...], ...] = (),
) -> list[tuple[str, ...]]:
  """Returns the alternatives as paths: the data folder, then Keras' cache."""
  places = [(data_dir, files), (keras_cache(), keras_files)]
  return [
    tuple(os.path.join(folder, file) for file in alternative)
    for folder, alternatives in places
    for alternative in alternatives
  ]


def find_files(
  data_dir: str,
  files: tuple[tuple[str, ...], ...],
  keras_files: tuple[tuple[str, ...], ...] = (),
) -> Optional[tuple[str, ...]]:
  """Returns the first alternative whose files all exist, or None."""
  for paths in candidates(data_dir, files, keras_files):
    if all(os.path.exists(path) for path in paths):
      return paths
  return None


def locate(name: str, data_dir: Optional[str] = None) -> Location:
  """Says where a data set is looked for and what was found.

  Args:
    name: a registered data set.
    data_dir: the folder of data sets; None means `default_data_dir()`.

  Raises:
    ValueError: if there is no data set of that name.
  """
  return _locate(registry.entry('dataset', name), data_dir)


def locate_all(data_dir: Optional[str] = None) -> dict[str, Location]:
  """Returns the location of every registered data set, by name."""
  return {
    name: _locate(entry, data_dir)
    for name, entry in registry.entries('dataset').items()
  }


def _locate(entry: registry.Entry, data_dir: Optional[str]) -> Location:
  literals = _module_literals(entry.path)
  files = literals.get('FILES', ())
  keras_files = literals.get('KERAS_FILES', ())
  folder = default_data_dir() if data_dir is None else data_dir
  paths = candidates(folder, files, keras_files)
  return Location(
    name=entry.name,
    files=find_files(folder, files, keras_files) or (),
    is_embedded=not paths,
    searched=tuple(path for alternative in paths for path in alternative),
    origin=literals.get('ORIGIN', ''),
  )


def _module_literals(path: pathlib.Path) -> dict:
  found = {}
  for node in ast.parse(path.read_text(encoding='utf-8')).body:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
      name = node.targets[0].id
      if name in _LITERALS:
        found[name] = ast.literal_eval(node.value)
  return found
