"""`flsec worker`: serves TFF's worker to runs on other machines."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from flsec.commands import flags
from flsec.commands.command import Command, UsageError

# A module of its own, since it runs in a process of its own.
_GATE = 'flsec.runtime.worker_gate'


def define_flags(flag_values: flags.FlagValues) -> None:
  """Declares the flags of `flsec worker`."""
  flags.DEFINE_integer(
    'port',
    10000,
    'Where it listens.',
    lower_bound=1,
    upper_bound=65535,
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'host',
    'localhost',
    'The one address that it listens on; 0.0.0.0 opens it to everybody.',
    flag_values=flag_values,
  )
  flags.DEFINE_integer(
    'threads',
    None,
    'Clients trained at once (default: no limit but the cores).',
    lower_bound=1,
    flag_values=flag_values,
  )


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> NoReturn:
  """Becomes the process that serves the worker."""
  if positional:
    raise UsageError(
      f'`flsec worker` takes no {positional[0]!r}; it takes --port=10000, say.'
    )
  command = [
    sys.executable,
    '-m',
    _GATE,
    flag_values.host,
    str(flag_values.port),
  ]
  if flag_values.threads is not None:
    command.append(str(flag_values.threads))
  # Not a child: what ends `flsec worker` has to end the gate.
  os.execv(command[0], command)


COMMAND = Command(
  name='worker',
  summary="Serve TFF's worker to runs with runtime.context=tff_remote.",
  usage='[--port=10000] [--host=localhost]',
  run=run,
  define_flags=define_flags,
  examples=(
    'flsec worker',
    'flsec worker --port=10001 --threads=4',
    'flsec worker --host=192.168.0.7  # a private network; see docs/remote.md',
  ),
)
