"""The command line: `flsec run`, `list`, `report`, `runs`, `compare`, ....

Each command has its own absl flags. Help, `list`, `doctor` and `version` import
nothing but Python's own modules: they start at once, and where packages are
missing they say so.
"""

import difflib
import os
import shlex
import sys
import textwrap
from collections.abc import Sequence
from typing import NoReturn, Optional

import flsec
from flsec.commands import flags, packages
from flsec.commands.command import Command, UsageError
from flsec.commands.table import Commands
from flsec.config.errors import ConfigError

COMMANDS = Commands()
_HELP = ('help', '--help', '-h', '-help', '--helpfull', '--helpshort')
# Flags of every command, and their help; absl's own is longer.
_GENERAL = {
  'debug': 'Show where an error was raised.',
  'verbosity': 'How much is logged: -1 warnings, 0 information, 1 details.',
}
_WIDTH = 80
_DEBUG_HINT = 'Add --debug to see where it was raised.'
# It says itself what is missing.
_DOCTOR = 'doctor'
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

_Call = tuple[Command, flags.FlagValues, list[str], list[str]]


def run_app(argv: Optional[Sequence[str]] = None) -> NoReturn:
  """Runs the command line and ends the process with its exit code.

  Args:
    argv: the program's name, then its arguments; `sys.argv` where left out.
  """
  try:
    code = _main(_parse(list(sys.argv if argv is None else argv)))
    sys.stdout.flush()
  except BrokenPipeError:
    # The reader (`| head`) has gone; Python must not flush into it at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    code = EXIT_BROKEN_PIPE
  sys.exit(code)


def _main(call: _Call) -> int:
  command, flag_values, positional, argv = call
  try:
    if not command.is_light:
      _begin_logging()
    code = command.run(flag_values, positional)
    if command.is_light and command.name != _DOCTOR:
      _tell_missing()
    return code
  except KeyboardInterrupt:
    return _interrupted(command, argv)
  except BrokenPipeError:
    raise  # An OSError that is no error: see `run_app`.
  except Exception as error:
    message = _explain(error)
    if flag_values.debug or message is None:
      raise
    is_misuse = isinstance(error, (ConfigError, UsageError))
    _print_error(message, '' if is_misuse else _DEBUG_HINT)
    return EXIT_ERROR


def _begin_logging() -> None:
  # Not through absl's app.run: TensorFlow, when imported after it has begun,
  # creates its context in graph mode, and Keras models cannot be built.
  from absl import flags as absl_flags
  from absl import logging

  # absl's own flags are parsed by `FlagValues` or not at all.
  absl_flags.FLAGS.mark_as_parsed()
  logging.use_absl_handler()


def _explain(error: Exception) -> Optional[str]:
  """Returns what to say of an error; None: it is a fault of flsec."""
  from flsec.experiment import explain

  message = explain.explain(error)
  if message is None and isinstance(error, ModuleNotFoundError):
    return packages.explain_missing(error)
  return message


def _interrupted(command: Command, argv: Sequence[str]) -> int:
  message = 'flsec: interrupted.'
  if command.name == 'run':
    message += (
      ' Finished rounds are kept; the same command goes on from there:\n  '
      + shlex.join(['flsec', *argv[1:]])
    )
  print(f'\n{message}', file=sys.stderr)
  return EXIT_INTERRUPTED


def _tell_missing() -> None:
  missing = packages.missing()
  if missing:
    print(
      f'flsec: what a run needs is not all here; missing are '
      f'{", ".join(missing)}. `{packages.way_out()}` adds them.',
      file=sys.stderr,
    )


def _print_error(message: str, hint: str = '') -> None:
  print(f'flsec: error: {message}', file=sys.stderr)
  if hint:
    print(hint, file=sys.stderr)


def _parse(argv: Sequence[str]) -> _Call:
  """Reads the command and its flags; ends the process on help and misuse."""
  arguments = list(argv[1:])
  if arguments[:1] == ['--version']:
    arguments = ['version']
  if not arguments or arguments[0] in _HELP:
    topic = COMMANDS.get(arguments[1]) if len(arguments) > 1 else None
    print(_command_help(topic) if topic else _help(), flush=True)
    _tell_missing()
    sys.exit(0 if arguments else EXIT_ERROR)
  command = _command(arguments[0])
  rest = arguments[1:]
  if any(argument in _HELP[1:] for argument in rest):
    print(_command_help(command), flush=True)
    _tell_missing()
    sys.exit(0)
  flag_values = _flags_of(command)
  try:
    positional = flag_values([command.name, *rest])[1:]
  except flags.UnknownFlagError as error:
    _exit(_unknown_flag(command, flag_values, error.flag))
  except flags.Error as error:
    _exit(f'{error}\nSee `flsec {command.name} --help`.')
  except ModuleNotFoundError as error:
    _exit(packages.explain_missing(error) or str(error))
  return command, flag_values, positional, list(argv)


def _command(word: str) -> Command:
  if word.startswith('-'):
    _exit(
      f'a command comes first, e.g. `flsec run {word}`. Commands: '
      f'{", ".join(COMMANDS)}.'
    )
  if word not in COMMANDS:
    hint = _closest(word, COMMANDS)
    _exit(f'unknown command {word!r}{hint} Commands: {", ".join(COMMANDS)}.')
  return COMMANDS[word]


def _unknown_flag(
  command: Command, flag_values: flags.FlagValues, name: str
) -> str:
  known = flag_values.declared
  hint = _closest(f'--{name}', [f'--{one}' for one in known])
  listed = ', '.join(f'--{one}' for one in known)
  return (
    f'unknown flag --{name} of `flsec {command.name}`{hint} Flags: {listed}.'
  )


def _closest(word: str, allowed: Sequence[str]) -> str:
  close = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.5)
  return f'; did you mean {close[0]}?' if close else '.'


def _exit(message: str) -> NoReturn:
  _print_error(message)
  sys.exit(EXIT_ERROR)


def _flags_of(command: Command) -> flags.FlagValues:
  """Returns a command's flags, those that every command has included."""
  flag_values = flags.FlagValues()
  command.define_flags(flag_values)
  flags.DEFINE_bool('debug', False, _GENERAL['debug'], flag_values=flag_values)
  flags.take_from_absl(
    'verbosity', -1, _GENERAL['verbosity'], flag_values=flag_values
  )
  return flag_values


def _help() -> str:
  width = max(map(len, COMMANDS)) + 2
  lines = [
    f'flsec {flsec.__version__}: attacks on federated learning and the '
    'defences against them.',
    '',
    'Usage: flsec COMMAND [FLAGS]',
    '',
    *(f'  {c.name:<{width}}{c.summary}' for c in COMMANDS.values()),
    '',
    'Flags of `flsec run`:',
    *_flag_lines(COMMANDS['run']),
    '',
    '`flsec COMMAND --help` says more of one command.',
  ]
  return '\n'.join(lines)


def _command_help(command: Command) -> str:
  lines = [
    f'Usage: flsec {command.name} {command.usage}'.rstrip(),
    '',
    command.summary,
    '',
    *_flag_lines(command),
  ]
  if command.examples:
    lines += ['', 'Examples:', *(f'  {line}' for line in command.examples)]
  return '\n'.join(lines)


def _flag_lines(command: Command) -> list[str]:
  lines = []
  for name, flag in _flags_of(command).declared.items():
    text = flag.help
    if flag.allowed:
      text = f'<{"|".join(flag.allowed)}>: {text}'
    head = f'  --{name}' if flag.is_boolean else f'  --{name}=...'
    if flag.short_name:
      head += f', -{flag.short_name}'
    if flag.default not in (None, False, []) and name not in _GENERAL:
      default = str(flag.default).lower() if flag.is_boolean else flag.default
      text += f' (default: {default})'
    lines += textwrap.wrap(
      text,
      _WIDTH,
      initial_indent=f'{head:<22}',
      subsequent_indent=' ' * 22,
    )
  return lines


if __name__ == '__main__':
  run_app()
