"""`flsec report RUN_DIR`: tables and pictures of what was run."""

import pathlib
from collections.abc import Sequence

from absl import flags

from flsec.commands.command import Command, UsageError


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Writes the report of a run, or of all cells of an experiment."""
  del flag_values
  if len(positional) != 1:
    raise UsageError(
      '`flsec report` takes one run directory, such as runs/quickstart; got '
      f'{len(positional)} arguments.'
    )
  directory = pathlib.Path(positional[0])
  if not directory.is_dir():
    raise UsageError(
      f'{directory} is no folder. Give a run directory: `flsec run` names it '
      'when it begins.'
    )
  # Matplotlib takes a second to import.
  from flsec.reporting import report

  print(report.write_report(directory))
  return 0


COMMAND = Command(
  name='report',
  summary='Write the report of a finished run or of a whole sweep.',
  usage='RUN_DIR',
  run=run,
  examples=('flsec report runs/quickstart',),
)
