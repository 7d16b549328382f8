"""Flags, declared with absl's words and read by absl, which is imported late.

Help, and a command that is given no flag, need no package beside Python's own:
`flsec doctor` says what is missing where absl itself is.
"""

import dataclasses
import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Optional

# The kind of a flag that absl has itself.
_ABSL = 'absl'


class Error(ValueError):
  """Words are no flags of a command."""


class UnknownFlagError(Error):
  """There is no flag of that name.

  Attributes:
    flag: the name, without dashes.
  """

  def __init__(self, flag: str) -> None:
    super().__init__(f'unknown flag --{flag}')
    self.flag = flag


@dataclasses.dataclass(frozen=True)
class Flag:
  """A flag as it is declared.

  Attributes:
    kind: that of absl's function, `string` for `DEFINE_string`; `absl`: it is
      one of absl's own.
    name: the flag's.
    default: its value where it is not given.
    help: a sentence.
    short_name: a letter, or None.
    options: absl's further arguments.
  """

  kind: str
  name: str
  default: Any
  help: str
  short_name: Optional[str] = None
  options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

  @property
  def is_boolean(self) -> bool:
    """Whether it stands without a value."""
    return self.kind == 'bool'

  @property
  def allowed(self) -> Sequence[str]:
    """The words that it takes; empty where it takes others, too."""
    return self.options.get('enum_values', ())

  def value(self) -> Any:
    """Returns the default, as the caller's own."""
    return list(self.default) if self.default == [] else self.default


class FlagValues:
  """The flags of a command: first declared, then read.

  Attributes:
    declared: by name.
  """

  def __init__(self) -> None:
    """Declares none."""
    self.declared: dict[str, Flag] = {}
    self._values: dict[str, Any] = {}

  def __getattr__(self, name: str) -> Any:
    """Returns a flag's value, once the words have been read."""
    try:
      return self.__dict__['_values'][name]
    except KeyError:
      raise AttributeError(f'There is no flag --{name}.') from None

  def __call__(self, words: Sequence[str]) -> list[str]:
    """Reads words; flags may stand behind positional arguments.

    Args:
      words: of the command line, the command's name first.

    Returns:
      What is left: the name and the positional arguments.

    Raises:
      Error: a word is no flag, or a value is none of its flag's.
      ModuleNotFoundError: there are flags to be read, and absl is missing.
    """
    if not any(word.startswith('-') for word in words[1:]):
      self._values = {f.name: f.value() for f in self.declared.values()}
      return list(words)
    return self._read(words)

  def _read(self, words: Sequence[str]) -> list[str]:
    from absl import flags

    importlib.import_module('absl.logging')  # It declares `verbosity`.
    absl_values = flags.FlagValues()
    absl_values.set_gnu_getopt(True)
    for flag in self.declared.values():
      if flag.kind == _ABSL:
        absl_values[flag.name] = flags.FLAGS[flag.name]
        continue
      getattr(flags, f'DEFINE_{flag.kind}')(
        flag.name,
        flag.default,
        help=flag.help,
        short_name=flag.short_name,
        flag_values=absl_values,
        **flag.options,
      )
    try:
      left = absl_values(words)
    except flags.UnrecognizedFlagError as error:
      raise UnknownFlagError(error.flagname) from error
    except flags.Error as error:
      raise Error(str(error)) from error
    self._values = {name: absl_values[name].value for name in self.declared}
    return left


def _declare(
  kind: str,
  name: str,
  default: Any,
  help_text: str,
  flag_values: FlagValues,
  short_name: Optional[str],
  **options: Any,
) -> None:
  flag_values.declared[name] = Flag(
    kind, name, default, help_text, short_name, options
  )


def DEFINE_string(
  name: str,
  default: Optional[str],
  help: str,
  *,
  flag_values: FlagValues,
  short_name: Optional[str] = None,
) -> None:
  """Declares a flag that takes a text."""
  _declare('string', name, default, help, flag_values, short_name)


def DEFINE_bool(
  name: str,
  default: bool,
  help: str,
  *,
  flag_values: FlagValues,
  short_name: Optional[str] = None,
) -> None:
  """Declares a flag that is there (`--name`) or denied (`--noname`)."""
  _declare('bool', name, default, help, flag_values, short_name)


def DEFINE_integer(
  name: str,
  default: Optional[int],
  help: str,
  *,
  flag_values: FlagValues,
  short_name: Optional[str] = None,
  lower_bound: Optional[int] = None,
  upper_bound: Optional[int] = None,
) -> None:
  """Declares a flag that takes a whole number within bounds."""
  _declare(
    'integer', name, default, help, flag_values, short_name,
    lower_bound=lower_bound, upper_bound=upper_bound,
  )  # fmt: skip


def DEFINE_float(
  name: str,
  default: Optional[float],
  help: str,
  *,
  flag_values: FlagValues,
  short_name: Optional[str] = None,
  lower_bound: Optional[float] = None,
  upper_bound: Optional[float] = None,
) -> None:
  """Declares a flag that takes a number within bounds."""
  _declare(
    'float', name, default, help, flag_values, short_name,
    lower_bound=lower_bound, upper_bound=upper_bound,
  )  # fmt: skip


def DEFINE_enum(
  name: str,
  default: Optional[str],
  enum_values: Sequence[str],
  help: str,
  *,
  flag_values: FlagValues,
  short_name: Optional[str] = None,
) -> None:
  """Declares a flag that takes one of a few words."""
  _declare(
    'enum', name, default, help, flag_values, short_name,
    enum_values=list(enum_values),
  )  # fmt: skip


def DEFINE_list(
  name: str,
  default: Sequence[str],
  help: str,
  *,
  flag_values: FlagValues,
  short_name: Optional[str] = None,
) -> None:
  """Declares a flag that takes words separated by commas."""
  _declare('list', name, list(default), help, flag_values, short_name)


def DEFINE_multi_string(
  name: str,
  default: Sequence[str],
  help: str,
  *,
  flag_values: FlagValues,
  short_name: Optional[str] = None,
) -> None:
  """Declares a flag that may be given repeatedly."""
  _declare('multi_string', name, list(default), help, flag_values, short_name)


def take_from_absl(
  name: str, default: Any, help: str, *, flag_values: FlagValues
) -> None:
  """Declares a flag that absl has itself, with a default as absl has it."""
  _declare(_ABSL, name, default, help, flag_values, None)
