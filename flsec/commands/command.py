"""What a command of the command line is."""

import dataclasses
from collections.abc import Sequence
from typing import Callable

from flsec.commands import flags


def no_flags(flag_values: flags.FlagValues) -> None:
  """Declares no flag of its own."""
  del flag_values


@dataclasses.dataclass(frozen=True)
class Command:
  """A subcommand of `flsec`.

  Attributes:
    name: the word after `flsec`.
    summary: one line for `flsec --help`.
    usage: what follows the name, e.g. `RUN_DIR`.
    run: `(flag values, positional arguments) -> exit code`.
    define_flags: declares the command's own flags.
    examples: command lines for `flsec NAME --help`.
    is_light: whether it works where no package is installed.
  """

  name: str
  summary: str
  usage: str
  run: Callable[[flags.FlagValues, Sequence[str]], int]
  define_flags: Callable[[flags.FlagValues], None] = no_flags
  examples: tuple[str, ...] = ()
  is_light: bool = False


class UsageError(ValueError):
  """A command was called with arguments that it does not take."""
