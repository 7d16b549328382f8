"""Runs what docs/results.md tells of, and writes its tables.

    make results                # all of it: half an hour on two quiet cores
    make results ARGS=backdoors # one of its tables

Each experiment leaves its numbers in docs/results/NAME.csv, with the commit and
the command that made them; the tables of docs/results.md are made from these
files, and a test holds the two together.
"""

import csv
import functools
import io
import pathlib
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import result_tables
import yaml
from result_tables import Record

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_PAGE = _ROOT / 'docs' / 'results.md'
_DATA = _ROOT / 'docs' / 'results'
_BLOCK = '<!-- {name}: by `make results` -->\n{table}<!-- end -->'
_BLOCKS = re.compile(
  r'<!-- (\w+): by `make results` -->\n(.*?)<!-- end -->', re.S
)


class Table(NamedTuple):
  """A table of the page.

  Attributes:
    runs: by the experiment's name, what is run: the words behind `flsec run`.
    render: makes the table, Markdown, of what the runs left.
  """

  runs: Mapping[str, Sequence[str]]
  render: Callable[[Sequence[Record]], str]


def collect(name: str) -> None:
  """Runs what a table is made of, and writes its numbers.

  Raises:
    CalledProcessError: a run failed.
  """
  # TensorFlow is not needed to write the page.
  from flsec.experiment import checkout
  from flsec.reporting import cell as cells_lib
  from flsec.reporting import places as places_lib

  commit = checkout.commit_of(_ROOT)
  if not commit or commit.endswith(checkout.CHANGED):
    sys.exit(
      'Commit what changed in flsec/ and experiments/ first: numbers are '
      'told with the commit that made them.'
    )
  # Runs of another commit are not taken for this one's.
  runs = _ROOT / 'runs' / 'results' / commit[:12]
  records, commands, versions = [], [], {}
  for experiment, words in TABLES[name].runs.items():
    words = [*words, f'--set=name={experiment}']
    commands.append(shlex.join(['flsec', 'run', *words]))
    flsec = [sys.executable, '-m', 'flsec.main', 'run', *words]
    subprocess.run(
      [*flsec, f'--output_dir={runs}'], cwd=_ROOT, check=True, stdout=sys.stderr
    )
    cells = cells_lib.find_cells(runs / experiment)
    for cell, place in zip(cells, places_lib.places(cells)):
      records.append({'run': experiment, **_numbers(cell, place)})
      versions.update(cell.versions)
  versions.pop('commit', None)  # It is in the head.
  versions['python'] = platform.python_version()
  head = {'commit': commit, 'commands': commands, 'versions': versions}
  _write(_DATA / f'{name}.csv', head, records)


def _numbers(cell: 'cells_lib.Cell', place: 'places_lib.Place') -> Record:  # noqa: F821
  """Returns a cell's numbers, shares of 1, unrounded."""
  from flsec.reporting.measure import MEASURES, Moment

  record = {'defence': place.defence, 'threat': place.threat}
  record.update(seed=cell.config['seed'], rounds=cell.rounds)
  for measure in MEASURES:
    for moment in Moment:
      value = cell.headline.value(measure, moment)
      record[f'{measure.name}/{moment.value}'] = _text(value)
    record[f'{measure.name}/before'] = _text(
      cell.headline.before[measure.metric]
    )
  tested, values = cell.series('attack/success_rate')
  for number, value in zip(tested, values):
    if number % 10 == 0:
      record[f'attack_success/{number}'] = _text(value)
  return {key: str(value) for key, value in record.items()}


def _text(value: 'float | None') -> str:
  return '' if value is None else repr(float(value))


def _write(path: pathlib.Path, head: Record, records: Sequence[Record]) -> None:
  columns = list(dict.fromkeys(key for record in records for key in record))
  kept = [c for c in columns if any(record.get(c) for record in records)]
  file = io.StringIO()
  for line in yaml.safe_dump(head, sort_keys=False, width=10_000).splitlines():
    file.write(f'# {line}\n')
  writer = csv.DictWriter(
    file, kept, restval='', extrasaction='ignore', lineterminator='\n'
  )
  writer.writeheader()
  writer.writerows(records)
  path.parent.mkdir(exist_ok=True)
  path.write_text(file.getvalue(), encoding='utf-8')


def read(name: str) -> tuple[Mapping[str, object], list[Record]]:
  """Returns how a table's numbers were made, and the numbers."""
  lines = (_DATA / f'{name}.csv').read_text(encoding='utf-8').splitlines()
  head = [line[2:] for line in lines if line.startswith('# ')]
  rows = [line for line in lines if not line.startswith('# ')]
  return yaml.safe_load('\n'.join(head)), list(csv.DictReader(rows))


def written(page: str) -> str:
  """Returns the page with each table as its numbers have it."""
  return _BLOCKS.sub(
    lambda found: _BLOCK.format(
      name=found[1], table=TABLES[found[1]].render(read(found[1])[1])
    ),
    page,
  )


_PRUNINGS = (
  '--sweep=pruning=[null,{name: flap, start_round: 1, every: 5, '
  'skip_zero: false},{name: flap, start_round: 1, every: 5, skip_zero: true}]'
)
_FEMNIST = ('--set=clients.num_clients=12', '--set=attack.num_byzantine=2')
# By run: what it is called, the experiment, what is set.
DATA_SETS = {
  'results_mnist': ('MNIST', 'flap/lenet5_mnist'),
  'results_femnist': ('FEMNIST, 12 writers', 'flap/lenet5_femnist', *_FEMNIST),
  'results_cifar10': ('CIFAR-10, 10,000 images', 'baselines/cifar10_cnn'),
  'results_location30': (
    'LOCATION30',
    'agramplifier/table1',
    '--sweep=dataset=[location30]',
    '--sweep=defense=[none]',
    '--sweep=attack=[none]',
  ),
}
TABLES = {
  'data_sets': Table(
    {
      run: [f'experiments/{words[1]}.yaml', *words[2:]]
      for run, words in DATA_SETS.items()
    },
    functools.partial(result_tables.data_sets, DATA_SETS),
  ),
  'flap': Table(
    {
      'flap_mnist': [
        'experiments/flap/lenet5_mnist.yaml',
        '--set=dataset.num_train=12000',
        _PRUNINGS,
      ],
      'flap_femnist': [
        'experiments/flap/lenet5_femnist.yaml',
        *_FEMNIST,
        _PRUNINGS,
      ],
    },
    result_tables.flap,
  ),
  'all_rules': Table(
    {'all_rules': ['experiments/rules/all_rules.yaml']}, result_tables.rules
  ),
  'update_attacks': Table(
    {'update_attacks': ['experiments/attacks/update_attacks.yaml']},
    result_tables.attacks,
  ),
  'backdoors': Table(
    {'backdoors': ['experiments/attacks/backdoors.yaml']},
    result_tables.backdoors,
  ),
}


def main(names: Sequence[str]) -> None:
  """Runs the tables asked for, or all, then writes the page."""
  unknown = sorted(set(names) - set(TABLES))
  if unknown:
    sys.exit(f'There is no table {unknown[0]}. Tables: {", ".join(TABLES)}.')
  for name in names or TABLES:
    collect(name)
  page = _PAGE.read_text(encoding='utf-8')
  _PAGE.write_text(written(page), encoding='utf-8')


if __name__ == '__main__':
  main(sys.argv[1:])
