"""Runs what docs/results.md tells of, and writes its tables.

    make results                # all of it: half an hour on two quiet cores
    make results ARGS=backdoors # one of its tables

Each experiment leaves its numbers in docs/results/NAME.csv, with the commit and
the command that made them; the tables of docs/results.md are made from these
files, and a test holds the two together.
"""

import csv
import io
import pathlib
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import yaml

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_PAGE = _ROOT / 'docs' / 'results.md'
_DATA = _ROOT / 'docs' / 'results'
_BLOCK = '<!-- {name}: by `make results` -->\n{table}<!-- end -->'
_BLOCKS = re.compile(
  r'<!-- (\w+): by `make results` -->\n(.*?)<!-- end -->', re.S
)

Record = Mapping[str, str]


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


def _percent(record: Record, column: str) -> str:
  value = record.get(column, '')
  return f'{100 * float(value):.1f}' if value else '-'


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
  lines = [header, ['---'] * len(header), *rows]
  return ''.join(f'| {" | ".join(line)} |\n' for line in lines)


def _code(label: str) -> str:
  return label if label.startswith('no ') else f'`{label}`'


def _data_sets(records: Sequence[Record]) -> str:
  rows = []
  for record in records:
    words = DATA_SETS[record['run']]
    rows.append(
      [
        words[0],
        f'`make experiment EXP={words[1]}{_make_arguments(words[2:])}`',
        record['rounds'],
        _percent(record, 'accuracy/last'),
      ]
    )
  return _markdown(['data set', 'command', 'rounds', 'accuracy'], rows)


def _make_arguments(words: Sequence[str]) -> str:
  quoted = [re.sub(r'=(\[.*\])$', r"='\1'", word) for word in words]
  return f' ARGS="{" ".join(quoted)}"' if quoted else ''


def _flap(records: Sequence[Record]) -> str:
  header = ['data', 'pruning', 'accuracy before', 'accuracy', 'error rate']
  rows = [
    [
      record['run'].removeprefix('flap_'),
      _code(record['defence']),
      _percent(record, 'accuracy/before'),
      _percent(record, 'accuracy/last'),
      _percent(record, 'error_rate/mean'),
    ]
    for record in records
  ]
  return _markdown(header, rows)


def _rules(records: Sequence[Record]) -> str:
  none, flip, alie = sorted(
    {record['threat'] for record in records},
    key=lambda threat: ('no ' not in threat, 'flip' not in threat),
  )
  columns = {
    'no attack': (none, 'accuracy/last'),
    'label flip': (flip, 'accuracy/last'),
    'its error rate, mean': (flip, 'error_rate/mean'),
    'and last': (flip, 'error_rate/last'),
    'ALIE': (alie, 'accuracy/last'),
    'ALIE, mean over rounds': (alie, 'accuracy/mean'),
  }
  by_place = {(r['defence'], r['threat']): r for r in records}
  defences = sorted({record['defence'] for record in records})
  # One rule has another rate; that the others have 1 goes without saying.
  names = {name: name.replace(', learning_rate=1.0', '') for name in defences}
  rows = [
    [_code(name), *(_percent(by_place[d, t], c) for t, c in columns.values())]
    for d, name in names.items()
  ]
  return _markdown(['rule', *columns], rows)


def _attacks(records: Sequence[Record]) -> str:
  defences = sorted(
    {record['defence'] for record in records},
    key=lambda name: (name != 'mean', name),
  )
  threats = sorted(
    {record['threat'] for record in records},
    key=lambda name: (not name.startswith('no '), name),
  )
  found = {(r['threat'], r['defence']): r for r in records}
  rows = [
    [_code(t), *(_percent(found[t, d], 'accuracy/last') for d in defences)]
    for t in threats
  ]
  worst = [
    min(threats, key=lambda t: float(found[t, d]['accuracy/last']))
    for d in defences
  ]
  low = [
    _percent(found[t, d], 'accuracy/last') for t, d in zip(worst, defences)
  ]
  rows.append(['**worst case**', *(f'**{one}**' for one in low)])
  rows.append(['under', *(threat.partition(',')[0] for threat in worst)])
  return _markdown(['attack', *map(_code, defences)], rows)


def _backdoors(records: Sequence[Record]) -> str:
  columns = {
    'accuracy': 'accuracy/last',
    'ASR after 10 rounds': 'attack_success/10',
    **{str(n): f'attack_success/{n}' for n in (20, 30, 40)},
    'without the trigger': 'control/last',
  }
  rows = [
    [_code(record['threat']), *(_percent(record, c) for c in columns.values())]
    for record in sorted(records, key=lambda r: 'no ' not in r['threat'][:3])
  ]
  return _markdown(['attack', *columns], rows)


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
    _data_sets,
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
    _flap,
  ),
  'all_rules': Table(
    {'all_rules': ['experiments/rules/all_rules.yaml']}, _rules
  ),
  'update_attacks': Table(
    {'update_attacks': ['experiments/attacks/update_attacks.yaml']}, _attacks
  ),
  'backdoors': Table(
    {'backdoors': ['experiments/attacks/backdoors.yaml']}, _backdoors
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
