"""The flags of `flsec run`."""

import dataclasses

from flsec.commands import cluster_flags, experiment_flags, flags
from flsec.commands.command import UsageError


def define(flag_values: flags.FlagValues) -> None:
  """Declares the flags."""
  experiment_flags.define(flag_values)
  flags.DEFINE_multi_string(
    'sweep',
    [],
    'Run a cell for each value, as in --sweep=seed=[1,2,3]; may be given '
    'repeatedly.',
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'output_dir',
    'runs',
    'Runs are written to OUTPUT_DIR/NAME/CELL.',
    flag_values=flag_values,
  )
  flags.DEFINE_bool(
    'resume',
    True,
    'Continue an unfinished run; --noresume refuses to.',
    flag_values=flag_values,
  )
  flags.DEFINE_integer(
    'jobs',
    None,
    'Cells run at once, each in a process of its own (default: as many as '
    'cores and memory allow; an accelerator takes one).',
    lower_bound=1,
    flag_values=flag_values,
  )
  cluster_flags.define(flag_values)
  flags.DEFINE_integer(
    'threads',
    None,
    "Clients of a cell trained at once (default: the cell's share of the "
    'cores).',
    lower_bound=1,
    flag_values=flag_values,
  )
  flags.DEFINE_bool(
    'fail_fast',
    False,
    'End the sweep when a cell fails; else the others go on.',
    flag_values=flag_values,
  )
  flags.DEFINE_bool(
    'profile',
    False,
    "Write a TensorBoard profile of this session's second and third round.",
    flag_values=flag_values,
  )
  flags.DEFINE_bool(
    'quiet',
    False,
    'Print nothing but warnings and errors.',
    flag_values=flag_values,
  )
  flags.DEFINE_bool(
    'verbose',
    False,
    'Log what is done besides; as --verbosity=0.',
    flag_values=flag_values,
  )


def sets(flag_values: flags.FlagValues) -> list[str]:
  """Returns what `--set` says, and what `--threads` says in its words."""
  found = list(flag_values.set)
  if flag_values.threads is not None:
    found.append(f'runtime.threads={flag_values.threads}')
  return found


@dataclasses.dataclass(frozen=True)
class Console:
  """What is printed.

  Attributes:
    is_quiet: only warnings and errors.
    verbosity: of the log, as absl counts it: -1 warnings, 0 information.
  """

  is_quiet: bool
  verbosity: int

  @classmethod
  def of(cls, flag_values: flags.FlagValues) -> 'Console':
    """Returns what the flags say.

    Raises:
      UsageError: they contradict one another.
    """
    from absl import logging

    if flag_values.quiet and flag_values.verbose:
      raise UsageError('--quiet and --verbose exclude one another.')
    if flag_values.verbose:
      logging.set_verbosity(max(logging.INFO, flag_values.verbosity))
    return cls(flag_values.quiet, logging.get_verbosity())

  def say(self, text: str) -> None:
    """Prints a text, unless quiet."""
    if not self.is_quiet:
      print(text, flush=True)
