"""The plug-ins that an experiment is made of, as a part of what it is.

What an edited file does is another experiment, whatever its name.
"""

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from flsec import registry, source_file

MARK = '# plug-in '


def digests(plain: Mapping[str, Any]) -> dict[str, str]:
  """Returns the SHA-256 of each plug-in that an experiment takes a part from.

  A file that registers nothing which the experiment names does not count, nor
  does one that only says where numbers go (`runtime.loggers`), nor do other
  modules that a plug-in imports.

  Args:
    plain: the experiment as a plain mapping, its `plugins` included.

  Returns:
    File name -> SHA-256 of its text, in the order of the experiment.
  """
  words = set(_strings({**plain, 'plugins': [], 'runtime': {}}))
  found = {}
  for one in plain['plugins']:
    path = pathlib.Path(one)
    # One that is not there was refused where plug-ins are added.
    if path.is_file() and words.intersection(registry.names_in(path)):
      found[path.name] = source_file.sha256(path)
  return found


def comment(plain: Mapping[str, Any]) -> str:
  """Returns the lines that say so in a YAML file; empty where there are none.

  A reader of YAML passes over them.
  """
  lines = [
    f'{MARK}{name}, sha256 {digest}\n'
    for name, digest in digests(plain).items()
  ]
  return ''.join(lines)


def _strings(value: Any) -> Iterator[str]:
  if isinstance(value, str):
    yield value
  elif isinstance(value, Mapping):
    for one in value.values():
      yield from _strings(one)
  elif isinstance(value, (list, tuple)):
    for one in value:
      yield from _strings(one)
