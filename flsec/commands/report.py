"""`flsec report RUN_DIR`: tables and pictures of what was run."""

import pathlib
import sys
from collections.abc import Sequence

from flsec.commands import flags, report_flags
from flsec.commands.command import Command, UsageError


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Writes the report of a run, or of all cells of an experiment."""
  chosen = report_flags.read(flag_values)
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

  contents = report.read(directory, chosen.seeds, chosen.baseline)
  show(contents, chosen)
  return 0


def show(contents, chosen: report_flags.ReportFlags) -> None:
  """Prints the tables and writes the page and the files that were asked for.

  Args:
    contents: the `flsec.reporting.report.Contents`.
    chosen: what was asked for.
  """
  from flsec.reporting import files, formats, report, style

  page = style.print_page(
    chosen.width or style.SCREEN.width,
    chosen.font or style.SCREEN.font,
    chosen.scale,
  )
  for table in contents.tables:
    print(formats.FORMATS[chosen.table](table))
  written = [
    report.write(contents, chosen.scale),
    *files.write_tables(contents.folder, contents.tables, chosen.table_formats),
  ]
  if chosen.picture_formats:
    written += files.write_pictures(
      contents.folder, contents.pictures, page, chosen.picture_formats
    )
  # What is printed for programs holds nothing else.
  stream = sys.stdout if chosen.table == 'text' else sys.stderr
  for path in written:
    print(path, file=stream)


COMMAND = Command(
  name='report',
  summary='Print the tables of a run or a whole sweep, and draw its pictures.',
  usage='RUN_DIR',
  run=run,
  define_flags=report_flags.define,
  examples=(
    'flsec report runs/quickstart',
    'flsec report runs/quickstart --format=pdf,tex --width=3.3in --font=8',
    'flsec report runs/quickstart --seeds=mean --table=csv > quickstart.csv',
  ),
)
