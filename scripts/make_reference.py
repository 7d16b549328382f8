"""Makes the API reference from the docstrings.

usage: python scripts/make_reference.py FOLDER

Needs pdoc (`make docs` sees to it) and no network.
"""

import importlib
import pathlib
import sys
import warnings

warnings.filterwarnings('ignore', message='pkg_resources is deprecated')

import pdoc  # noqa: E402
import pdoc.render  # noqa: E402

# What programs have no use for: the command line, and modules that are run.
_LEFT_OUT = ('commands', 'main', 'sweeps')
_MODULES = ('flsec', *(f'!flsec\\.{name}(\\..*)?' for name in _LEFT_OUT))


def make(folder: pathlib.Path) -> int:
  """Writes a page a module, and `index.html`; returns how many."""
  _resolve_names()
  pdoc.render.configure(docformat='google', show_source=True, search=True)
  pdoc.pdoc(*_MODULES, output_directory=folder)
  return len(list(folder.rglob('*.html')))


def _resolve_names() -> None:
  """Puts into each package what it would import when it is asked for it."""
  for package in ('flsec', 'flsec.data'):
    module = importlib.import_module(package)
    for name in module.__all__:
      setattr(module, name, getattr(module, name))


if __name__ == '__main__':
  chosen = pathlib.Path(sys.argv[1])
  pages = make(chosen)
  print(f'{pages} pages: {chosen / "index.html"}')
