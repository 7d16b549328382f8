"""Tells a user's mistake from a fault of flsec, and says it in one line."""

import pathlib
import re
import traceback
from typing import Optional

import flsec
from flsec import registry

_ROOT = pathlib.Path(flsec.__file__).parent
# What they are given is a user's: data, models, files, values. Whatever is
# raised below them, however deep, is raised for something that was given.
_TAKING = (
  'config/',
  'data/',
  'models/',
  'experiment/assembly.py',
  'experiment/preflight.py',
)
# Traces the components of an experiment, before anything is run.
_PREPARING = ('experiment/loop.py', '_prepare')
_ASSERTION = re.compile(r'assertion failed: \[(.*?)\]', re.DOTALL)
_RAISED = re.compile(r'^\s*\w*(?:Error|Exception|Exit|Interrupt): (.*\S)')
_MEMORY = ('ResourceExhaustedError', 'MemoryError')
_LONGEST = 600


def explain(error: BaseException) -> Optional[str]:
  """Returns what to say of an error, in one line; None: flsec is at fault.

  An error is a user's where flsec raised it on purpose (a ValueError of its
  own, or an assertion in a graph), where the operating system did, where it
  passed a plug-in's code, and where it arose, however deep, from what flsec
  was given: configuration, data, model.
  """
  if type(error).__name__ in _MEMORY:
    return (
      f'The memory does not suffice ({_first_line(error)}). Take fewer clients '
      'a round, a smaller model or smaller batches.'
    )
  plugin = _plugin_place(error)
  if isinstance(error, OSError):
    return _of_system(error) + (f' (in {plugin})' if plugin else '')
  frames = traceback.extract_tb(error.__traceback__)
  if _is_on_purpose(error, frames[-1] if frames else None):
    return f'{plugin}: {error}' if plugin else str(error)
  if plugin:
    return f'{plugin}: {type(error).__name__}: {_first_line(error)}'
  assertion = _ASSERTION.search(str(error))
  if assertion and type(error).__module__.startswith('tensorflow'):
    return _short(assertion.group(1).strip('\'"b'))
  if not any(map(_takes, frames)):
    return None
  files = [pathlib.Path(frame.filename) for frame in frames]
  place = [file for file in files if _ROOT in file.parents][-1]
  return (
    f'{type(error).__name__}: {_first_line(error)} (raised for '
    f'{place.relative_to(_ROOT.parent)})'
  )


def _is_on_purpose(
  error: BaseException, frame: Optional[traceback.FrameSummary]
) -> bool:
  if type(error).__module__.startswith('flsec.'):
    return True
  if frame is None or _ROOT not in pathlib.Path(frame.filename).parents:
    return False
  return isinstance(error, ValueError) or (frame.line or '').startswith('raise')


def _of_system(error: OSError) -> str:
  if error.filename is None or error.strerror is None:
    return f'{type(error).__name__}: {_first_line(error)}'
  text = f'{error.filename}: {error.strerror}'
  is_relative = not pathlib.Path(str(error.filename)).is_absolute()
  if isinstance(error, FileNotFoundError) and is_relative:
    text += f'; relative paths count from {pathlib.Path.cwd()}'
  return text


def _plugin_place(error: BaseException) -> Optional[str]:
  """Returns file, line and function of the last plug-in code that was run."""
  plugins = {str(path) for path in registry.plugins()}
  for frame in reversed(traceback.extract_tb(error.__traceback__)):
    if frame.filename in plugins:
      name = pathlib.Path(frame.filename).name
      return f'{name}, line {frame.lineno}, in {frame.name}'
  # What TensorFlow converted lies elsewhere; its message says where it was.
  for path in plugins:
    found = re.findall(
      rf'File "{re.escape(path)}", line (\d+), in (\w+)', str(error)
    )
    if found:
      line, function = found[-1]
      return f'{pathlib.Path(path).name}, line {line}, in {function}'
  return None


def _takes(frame: traceback.FrameSummary) -> bool:
  file = pathlib.Path(frame.filename)
  if _ROOT not in file.parents:
    return False
  inner = file.relative_to(_ROOT).as_posix()
  return inner.startswith(_TAKING) or (inner, frame.name) == _PREPARING


def _first_line(error: BaseException) -> str:
  """Returns what a message of many lines comes down to."""
  lines = [line for line in str(error).splitlines() if line.strip()]
  raised = [match.group(1) for line in lines if (match := _RAISED.match(line))]
  return _short((raised or lines or ['no message'])[-1 if raised else 0])


def _short(text: str) -> str:
  text = ' '.join(text.split())
  return text if len(text) <= _LONGEST else f'{text[:_LONGEST]}...'
