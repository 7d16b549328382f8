"""Imports of TensorFlow and TFF that take less time.

They make a million objects that stay. Python's collector of garbage walks over
them again and again meanwhile, which is a fourth of the time, and at each full
collection afterwards. And TFF imports TensorFlow Probability by way of
TensorFlow Privacy, for noise that nobody draws here.
"""

import atexit
import contextlib
import gc
import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator
from typing import Any

_LATE = ('tensorflow_probability',)


@contextlib.contextmanager
def swift(*, owns_process: bool) -> Iterator[None]:
  """Lets the imports in its block take less time.

  Nothing is collected in the block.

  Args:
    owns_process: whether the process is flsec's own. What is there after the
      block is then never looked at again by the collector, until the process
      ends; and packages that are imported, but not used, are loaded when
      something of theirs is asked for.
  """
  was_enabled = gc.isenabled()
  gc.disable()
  try:
    if owns_process:
      for name in _LATE:
        _import_late(name)
    yield
    if owns_process:
      gc.freeze()
      # What TFF left to the collector is cleaned up by it.
      atexit.register(gc.unfreeze)
  finally:
    if was_enabled:
      gc.enable()


class _LateModule(types.ModuleType):
  """Stands for a module until something of it is asked for.

  Not `importlib.util.LazyLoader`, whose modules are loaded by the second
  statement that imports them.
  """

  def __getattr__(self, name: str) -> Any:
    is_asked_for_by_python = name.startswith('__') and name != '__path__'
    if is_asked_for_by_python or '__path__' in self.__dict__:
      raise AttributeError(
        f'module {self.__name__!r} has no attribute {name!r}'
      )
    del sys.modules[self.__name__]
    try:
      real = importlib.import_module(self.__name__)
    except BaseException:
      sys.modules[self.__name__] = self
      raise
    self.__dict__.update(real.__dict__)
    return getattr(self, name)


def _import_late(name: str) -> None:
  """Lets `import` of a package, if it is there, do nothing for now."""
  spec = None if name in sys.modules else importlib.util.find_spec(name)
  if spec is not None:
    sys.modules[name] = module = _LateModule(name)
    module.__spec__, module.__file__ = spec, spec.origin
