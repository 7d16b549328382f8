"""The commands by name, each imported when it is asked for."""

import importlib
from collections.abc import Iterator, MutableMapping

from flsec.commands.command import Command

# Name -> (module of this folder, constant in it), in the order of the help.
_HOMES = {
  'run': ('run', 'COMMAND'),
  'list': ('listing', 'COMMAND'),
  'report': ('report', 'COMMAND'),
  'reproduce': ('reproduce', 'COMMAND'),
  'runs': ('runs', 'RUNS'),
  'compare': ('runs', 'COMPARE'),
  'remove': ('runs', 'REMOVE'),
  'convert': ('convert', 'COMMAND'),
  'export': ('export', 'COMMAND'),
  'doctor': ('doctor', 'COMMAND'),
  'worker': ('worker', 'COMMAND'),
  'cluster': ('cluster', 'COMMAND'),
  'version': ('version', 'COMMAND'),
}


class Commands(MutableMapping[str, Command]):
  """The commands of flsec; one that was put in stands for that of its name."""

  def __init__(self) -> None:
    """Imports none."""
    self._others: dict[str, Command] = {}

  def __getitem__(self, name: str) -> Command:
    if name in self._others:
      return self._others[name]
    module, constant = _HOMES[name]
    return getattr(
      importlib.import_module(f'flsec.commands.{module}'), constant
    )

  def __setitem__(self, name: str, command: Command) -> None:
    self._others[name] = command

  def __delitem__(self, name: str) -> None:
    del self._others[name]

  def __iter__(self) -> Iterator[str]:
    return iter(dict.fromkeys([*_HOMES, *self._others]))

  def __len__(self) -> int:
    return len(list(iter(self)))

  def __contains__(self, name: object) -> bool:
    return name in _HOMES or name in self._others
