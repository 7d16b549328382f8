"""Our numbers: taken from run directories, and kept in small files.

`experiments/<paper>/results/<table>.csv` has a row a number and seed, with the
run that it comes from and the commit that made it. Files and runs from before
the commit was noted have none.
"""

import csv
import dataclasses
import io
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

from flsec import atomic_file
from flsec.catalogue import papers, printed
from flsec.catalogue.measures import Measure
from flsec.catalogue.papers import Entry, Run
from flsec.catalogue.printed import PrintedValue
from flsec.config import dump
from flsec.config.errors import ConfigError
from flsec.config.loading import Cell
from flsec.experiment import checkout, config_record, run_directory
from flsec.reporting import cell as report_cell
from flsec.reporting import clean_run

_LOSS = 'accuracy_loss'
_SEED = 'seed'
_WITHOUT_COMMIT = (
  *('measure', 'size', 'seed', 'value', 'rounds', 'run', 'fingerprint'),
  'version',
)
_LAST = (*_WITHOUT_COMMIT, 'commit')


@dataclasses.dataclass(frozen=True)
class Result:
  """A number of ours, of one seed.

  Attributes:
    keys: as of the printed value, or what the sweep varies.
    measure: what it is of.
    size: the size of the experiment.
    seed: the run's root seed.
    value: in the printed unit; None where the run came to none.
    rounds: of the run.
    run: its experiment and cell.
    fingerprint: of its configuration.
    version: of flsec that made it.
    commit: of the checkout that ran it, see `checkout.between`; empty where
      that is not known.
  """

  keys: Mapping[str, str]
  measure: str
  size: str
  seed: int
  value: Optional[float]
  rounds: int
  run: str
  fingerprint: str
  version: str
  commit: str = ''

  @property
  def place(self) -> tuple[Any, ...]:
    """What no two numbers of a file share."""
    return (*self.keys.values(), self.measure, self.size, self.seed)


def collect(
  entry: Entry, run: Run, size: str, cells: Sequence[Cell], root: pathlib.Path
) -> list[Result]:
  """Returns the numbers of a table that runs have come to.

  Args:
    entry: the table or figure.
    run: the part of it that these cells make.
    size: their size.
    cells: those of the experiment that are run for the table.
    root: the folder of their run directories; those not finished are left out.

  Raises:
    ConfigError: a run had other settings than its cell.
  """
  done = [c for c in cells if (root / c.name / run_directory.DONE).exists()]
  for cell in done:
    _check_own(root / cell.name, cell)
  reports = [report_cell.read_cell(root / cell.name) for cell in done]
  losses = clean_run.accuracy_losses(reports)
  numbers = printed.read(entry.printed) if entry.printed else None
  found = []
  for cell, report, loss in zip(done, reports, losses):
    if not papers.holds(run.only, cell.labels):
      continue
    summary = _summary(report.path)
    if loss is not None:  # There is a clean run to compare with.
      summary[_LOSS] = loss
    for row in _rows(entry, run, cell, numbers):
      measure = entry.measures[row.measure]
      if measure.share_of:
        continue  # Follows from two runs (shares.py).
      try:
        value = _value(measure, row, summary)
      except KeyError:
        continue  # Not measured in this run.
      found.append(
        Result(
          row.keys,
          row.measure,
          size,
          cell.experiment.seed,
          None if value is None else value * measure.times,
          summary['rounds'],
          f'{cell.experiment.name}/{cell.name}',
          dump.fingerprint(cell.experiment),
          summary['versions']['flsec'],
          checkout.between(
            config_record.read(root / cell.name).commit,
            summary['versions'].get('commit'),
          ),
        )
      )
  return found


def read(path: pathlib.Path) -> list[Result]:
  """Returns the numbers of a file; none where there is no file.

  Raises:
    ConfigError: its columns are others.
  """
  if not path.exists():
    return []
  with open(path, encoding='utf-8', newline='') as file:
    reader = csv.DictReader(file)
    names = tuple(reader.fieldnames or ())
    last = _LAST if names[-1:] == _LAST[-1:] else _WITHOUT_COMMIT
    if names[-len(last) :] != last:
      raise ConfigError(
        'line 1', f'expected columns that end in {", ".join(_LAST)}.', str(path)
      )
    return [
      Result(
        {key: row[key] for key in names[: -len(last)]},
        row['measure'],
        row['size'],
        int(row['seed']),
        float(row['value']) if row['value'] else None,
        int(row['rounds']),
        row['run'],
        row['fingerprint'],
        row['version'],
        row.get('commit', ''),
      )
      for row in reader
    ]


def record(path: pathlib.Path, found: Iterable[Result]) -> None:
  """Adds numbers to a file; those of the same cell and seed are replaced."""
  kept = {one.place: one for one in read(path)}
  kept.update({one.place: one for one in found})
  if not kept:
    return
  rows = list(kept.values())
  text = io.StringIO()
  writer = csv.writer(text, lineterminator='\n')
  writer.writerow([*rows[0].keys, *_LAST])
  for one in rows:
    value = '' if one.value is None else f'{one.value:.6g}'
    last = [one.measure, one.size, one.seed, value, one.rounds, one.run]
    last += [one.fingerprint, one.version, one.commit]
    writer.writerow([*one.keys.values(), *last])
  path.parent.mkdir(exist_ok=True)
  atomic_file.write_atomically(path, text.getvalue())


def belongs(row: PrintedValue, entry: Entry, have: Mapping[str, str]) -> bool:
  """Tells whether a printed number is one of a cell's.

  Args:
    row: the number.
    entry: its table.
    have: what the cell and its experiment say of the keys.
  """
  measure = entry.measures.get(row.measure)
  return measure is not None and all(
    key in measure.keys or have.get(key) == choice
    for key, choice in row.keys.items()
  )


def _rows(
  entry: Entry,
  run: Run,
  cell: Cell,
  numbers: Optional[Sequence[PrintedValue]],
) -> list[PrintedValue]:
  """Returns what is to be measured of a cell, as printed values."""
  have = run.said_of(cell.labels)
  if numbers is not None:
    return [row for row in numbers if belongs(row, entry, have)]
  # In the same order for all experiments of a picture.
  keys = {key: have[key] for key in sorted(have) if key != _SEED}
  return [
    PrintedValue(keys, name, None, None, '', entry.where, '')
    for name in entry.measures
  ]


def _value(
  measure: Measure, row: PrintedValue, summary: Mapping[str, Any]
) -> Optional[float]:
  node: Any = summary
  for word in measure.of:
    word = row.keys[word[1:-1]] if word in measure.placeholders else word
    if isinstance(node, list):  # Of phases, each with a name.
      node = {one['name']: one for one in node}
    node = node[word]
  return 1 - node if measure.one_minus and node is not None else node


def _check_own(folder: pathlib.Path, cell: Cell) -> None:
  if run_directory.read_fingerprint(folder) != dump.fingerprint(
    cell.experiment
  ):
    raise ConfigError(
      '',
      'was run with other settings than the table has now. Remove it '
      f'(flsec remove "{folder}"), or give another --output_dir.',
      str(folder),
    )


def _summary(folder: pathlib.Path) -> dict[str, Any]:
  text = (folder / run_directory.SUMMARY).read_text(encoding='utf-8')
  return json.loads(text)
