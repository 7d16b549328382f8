"""`flsec runs`, `flsec compare` and `flsec remove`: what was run."""

import pathlib
import sys
from collections.abc import Sequence

from flsec.commands import flags, report, report_flags
from flsec.commands.command import Command, UsageError

_RUNS = 'runs'


def _define_compare(flag_values: flags.FlagValues) -> None:
  report_flags.define(flag_values)
  flags.DEFINE_string(
    'output_dir',
    'comparison',
    'Folder of the report and its files.',
    flag_values=flag_values,
  )


def _define_remove(flag_values: flags.FlagValues) -> None:
  flags.DEFINE_bool(
    'yes', False, 'Do not ask.', short_name='y', flag_values=flag_values
  )


def list_runs(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Prints the runs of a folder."""
  del flag_values
  if len(positional) > 1:
    raise UsageError(
      f'`flsec runs` takes one folder (default: {_RUNS}); got '
      f'{len(positional)}.'
    )
  folder = _folder(positional[0] if positional else _RUNS)
  from flsec.reporting import cell, formats, run_list

  table = run_list.run_list(folder, cell.find_cells(folder))
  print(formats.to_text(table), end='')
  return 0


def compare(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Compares the runs of several folders in one report."""
  chosen = report_flags.read(flag_values)
  if len(positional) < 2:
    raise UsageError(
      '`flsec compare` takes two or more folders of runs, such as runs/a '
      f'runs/b; got {len(positional)}.'
    )
  folders = [_folder(one) for one in positional]
  from flsec.reporting import cell
  from flsec.reporting import report as report_lib

  cells = {
    one.path.resolve(): one
    for folder in folders
    for one in cell.find_cells(folder)
  }
  output = pathlib.Path(flag_values.output_dir)
  contents = report_lib.compare(
    output, list(cells.values()), chosen.seeds, chosen.baseline
  )
  output.mkdir(parents=True, exist_ok=True)
  report.show(contents, chosen)
  return 0


def remove(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Removes runs, after a question."""
  if not positional:
    raise UsageError('`flsec remove` takes folders of runs; got none.')
  folders = [_folder(one) for one in positional]
  from flsec.experiment import folder_lock
  from flsec.reporting import cell, run_list

  found = {
    one.path.resolve(): one
    for folder in folders
    for one in cell.find_cells(folder)
  }
  for path in found:
    if folder_lock.is_held(path):
      raise folder_lock.held(path)
  done = sum(one.is_done for one in found.values())
  size = sum(map(run_list.size_bytes, found)) / 2**20
  for path in found:
    print(path)
  what = f'{len(found)} runs ({done} done, {size:.1f} MiB)'
  if not flag_values.yes and not _agreed(f'Remove {what}? [y/N] '):
    print('Nothing was removed.')
    return 1
  for path in found:
    import shutil

    shutil.rmtree(path)
  print(f'Removed {what}.')
  return 0


def _agreed(question: str) -> bool:
  if not sys.stdin.isatty():
    raise UsageError(
      'There is no terminal to ask at. Add --yes to remove without a question.'
    )
  return input(question).strip().lower() in ('y', 'yes')


def _folder(name: str) -> pathlib.Path:
  folder = pathlib.Path(name)
  if not folder.is_dir():
    raise UsageError(
      f'{folder} is no folder. Give one that holds runs, such as {_RUNS}.'
    )
  return folder


RUNS = Command(
  name='runs',
  summary='List runs: state, rounds, seed, size and numbers.',
  usage=f'[FOLDER]   (default: {_RUNS})',
  run=list_runs,
  examples=('flsec runs', 'flsec runs runs/quickstart'),
)
COMPARE = Command(
  name='compare',
  summary='Compare the runs of several folders in one report.',
  usage='FOLDER FOLDER ...',
  run=compare,
  define_flags=_define_compare,
  examples=('flsec compare runs/quickstart runs/mine --output_dir=both',),
)
REMOVE = Command(
  name='remove',
  summary='Remove runs, after a question.',
  usage='RUN_DIR ...',
  run=remove,
  define_flags=_define_remove,
  examples=('flsec remove runs/quickstart/seed=1',),
)
