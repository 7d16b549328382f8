"""`flsec reproduce`: runs a table of a paper and sets ours beside the print.

Nothing outside Python's own modules is imported with this one.
"""

import pathlib
import typing
from collections.abc import Sequence
from typing import Optional

from flsec.commands import flags, run_flags
from flsec.commands import run as run_command
from flsec.commands.command import Command, UsageError

if typing.TYPE_CHECKING:
  from flsec.catalogue.papers import Entry, Run
  from flsec.catalogue.results import Result
  from flsec.config.loading import Cell


def define_flags(flag_values: flags.FlagValues) -> None:
  """Declares the flags of `flsec reproduce`."""
  run_flags.define(flag_values)
  flags.DEFINE_bool(
    'run',
    True,
    'Run what is not done yet; --norun shows what is done.',
    flag_values=flag_values,
  )
  flags.DEFINE_bool(
    'record',
    False,
    'Keep the numbers in experiments/PAPER/results, and write '
    'docs/reproduction.md.',
    flag_values=flag_values,
  )


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Runs the cells of a table, prints ours beside the paper's numbers."""
  from flsec.catalogue import papers, results

  console = run_flags.Console.of(flag_values)
  root = papers.folder()
  entry = _entry(root, flag_values, positional)
  parts = [(one, _cells(one, entry, flag_values)) for one in entry.runs]
  parts = [(one, cells) for one, cells in parts if cells]
  if not parts:
    raise UsageError(
      f'none of these cells belongs to {entry.where} of {entry.paper}. '
      '`flsec list experiments` says which sizes have some.'
    )
  code, found = 0, []
  for one, cells in parts:
    if flag_values.run:
      code = max(code, run_command.run_cells(cells, flag_values))
    folder = pathlib.Path(flag_values.output_dir) / cells[0].experiment.name
    found += results.collect(entry, one, flag_values.size, cells, folder)
  _show(entry, found, flag_values.size, console)
  if flag_values.record and found:
    _record(root, entry, found, console)
  return code


def _entry(
  root: pathlib.Path, flag_values: flags.FlagValues, words: Sequence[str]
) -> 'Entry':
  """Returns what the command line names.

  Raises:
    UsageError: it names nothing, or something that is not made yet, or changes
      what the numbers would be compared for.
  """
  from flsec.catalogue import papers

  if len(words) != 2:
    raise UsageError(
      '`flsec reproduce` takes a paper and a table or figure, such as `flap '
      f'table1`; got {" ".join(words) or "none"}. `flsec list experiments` '
      'names them all.'
    )
  entry = papers.find(papers.read(root), *words)
  if not entry.runs:
    raise UsageError(
      f'no experiment makes {entry.where} of {entry.paper} yet. Missing: '
      f'{"; ".join(entry.missing) or "its YAML"}.'
    )
  if flag_values.config:
    raise UsageError('--config is none of this command: the table names it.')
  if flag_values.record:
    _check_recordable(root, flag_values)
  return entry


def _check_recordable(
  root: pathlib.Path, flag_values: flags.FlagValues
) -> None:
  """Refuses to run for the record what no commit would stand for.

  Raises:
    UsageError: there is no checkout, or its files have been changed.
  """
  from flsec.experiment import checkout

  if not (root.resolve().parent / 'docs').is_dir():
    raise UsageError(
      f'numbers are recorded beside the experiments of a checkout; {root} is '
      'none. Go there first, or leave out --record.'
    )
  if flag_values.run and checkout.commit().endswith(checkout.CHANGED):
    raise UsageError(
      'files in flsec/ or experiments/ have been changed, and numbers are '
      'recorded with the commit that made them. Commit first, leave out '
      '--record, or add --norun: a run that is done has its own commit.'
    )


def _cells(
  run: 'Run', entry: 'Entry', flag_values: flags.FlagValues
) -> list['Cell']:
  """Returns the cells of an experiment that a table is made of."""
  from flsec.catalogue import papers
  from flsec.config import loading, sizes

  sweeps = list(flag_values.sweep)
  if (
    flag_values.size == sizes.FULL
    and entry.seeds > 1
    and flag_values.seed is None
    and not any(one.startswith('seed=') for one in sweeps)
  ):
    sweeps.append(f'seed={list(range(1, entry.seeds + 1))}')
  cells = loading.load_cells(
    str(run.file),
    sets=run_flags.sets(flag_values),
    sweeps=sweeps,
    plugins=flag_values.plugin,
    seed=flag_values.seed,
    size=flag_values.size,
  )
  own = [cell for cell in cells if papers.holds(run.sweep, cell.labels)]
  if flag_values.record:
    _check_shipped(run, own, flag_values.size)
  return own


def _check_shipped(run: 'Run', cells: Sequence['Cell'], size: str) -> None:
  """Refuses to record cells that are not those of the file.

  Raises:
    UsageError: a flag made others.
  """
  from flsec.config import dump, loading

  seeds = sorted({cell.experiment.seed for cell in cells})
  shipped = loading.load_cells(
    str(run.file), sweeps=[f'seed={seeds}'] if seeds else [], size=size
  )
  prints = {cell.name: dump.fingerprint(cell.experiment) for cell in shipped}
  for cell in cells:
    if prints.get(cell.name) != dump.fingerprint(cell.experiment):
      raise UsageError(
        f'{cell.name} is no cell of {run.file} ({size}), so that it is not '
        'recorded beside those of the table. Leave out --record, or the flag '
        'that makes it.'
      )


def _show(
  entry: 'Entry',
  found: Sequence['Result'],
  size: str,
  console: run_flags.Console,
) -> None:
  """Prints the table: the paper's numbers where there are some, and ours."""
  from flsec.catalogue import comparison, ledger, printed
  from flsec.reporting import formats
  from flsec.reporting.table import Column, Table

  if not found:
    console.say('Nothing of it is done yet.')
    return
  if entry.printed is None:
    head = (*found[0].keys, 'measure', 'seed', 'ours')
    rows = [
      (*one.keys.values(), one.measure, str(one.seed), _short(one.value))
      for one in found
    ]
  else:
    numbers = printed.read(entry.printed)
    lines = comparison.compare(entry, numbers, found, size)
    head = (*numbers[0].keys, *ledger.HEAD)
    rows = ledger.table(lines)
  table = Table(
    name=f'{entry.paper}_{entry.name}',
    caption=f'{entry.where}, {entry.title}',
    columns=tuple(map(Column, head)),
    rows=tuple(rows),
    notes=(ledger.protocol(entry, size, found),),
  )
  console.say(formats.to_text(table))


def _short(value: Optional[float]) -> str:
  return 'N/A' if value is None else f'{value:.4g}'


def _record(
  root: pathlib.Path,
  entry: 'Entry',
  found: Sequence['Result'],
  console: run_flags.Console,
) -> None:
  """Keeps numbers, and writes the page.

  Raises:
    UsageError: no commit stands for a run.
  """
  from flsec.catalogue import ledger, results
  from flsec.experiment import checkout

  for one in found:
    if checkout.CHANGED in one.commit:
      raise UsageError(
        f'{one.run} was run with files that no commit has ({one.commit}), so '
        'that it is not recorded. Remove its folder and run it again.'
      )
  results.record(entry.results, found)
  console.say(f'Recorded: {entry.results}, {ledger.write(root)}')
  unknown = {one.run for one in found if not one.commit}
  if unknown:
    console.say(
      f'{len(unknown)} of the runs name no commit: flsec was not run from a '
      'git checkout, or was older.'
    )


COMMAND = Command(
  name='reproduce',
  summary='Run a table of a paper, and print ours beside its numbers.',
  usage='PAPER TABLE [--size=small]',
  run=run,
  define_flags=define_flags,
  examples=(
    'flsec reproduce flap table1 --size=small',
    'flsec reproduce agramplifier table1 --sweep=dataset=[location30]',
    'flsec list experiments',
  ),
)
