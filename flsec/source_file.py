"""Python files that hold components: those of flsec and a user's plug-ins."""

import hashlib
import importlib
import importlib.util
import pathlib
import sys
import types
import zlib

_ROOT = pathlib.Path(__file__).parent


def import_file(path: pathlib.Path) -> types.ModuleType:
  """Imports a file of flsec by its package name, any other by its path."""
  if path.is_relative_to(_ROOT):
    parts = path.relative_to(_ROOT).with_suffix('').parts
    return importlib.import_module('.'.join(('flsec', *parts)))
  # Two plug-ins may have the same file name in different folders, and one that
  # was edited is another.
  text = str(path).encode() + path.read_bytes()
  name = f'flsec_plugin_{path.stem}_{zlib.crc32(text):08x}'
  if name not in sys.modules:
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
      spec.loader.exec_module(module)
    except BaseException:
      del sys.modules[name]
      raise
  return sys.modules[name]


def sha256(path: pathlib.Path) -> str:
  """Returns the SHA-256 of a file's bytes, in hexadecimal."""
  return hashlib.sha256(path.read_bytes()).hexdigest()
