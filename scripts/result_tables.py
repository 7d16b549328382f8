"""The tables of docs/results.md, made of what runs left behind."""

import re
from collections.abc import Mapping, Sequence

Record = Mapping[str, str]


def _percent(record: Record, column: str) -> str:
  value = record.get(column, '')
  return f'{100 * float(value):.1f}' if value else '-'


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
  lines = [header, ['---'] * len(header), *rows]
  return ''.join(f'| {" | ".join(line)} |\n' for line in lines)


def _code(label: str) -> str:
  return label if label.startswith('no ') else f'`{label}`'


def data_sets(
  experiments: Mapping[str, Sequence[str]], records: Sequence[Record]
) -> str:
  """Renders what an experiment on each data set came to.

  Args:
    experiments: by run, what the data set is called, the experiment, and the
      words behind it.
    records: of the runs.
  """
  rows = []
  for record in records:
    words = experiments[record['run']]
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


def flap(records: Sequence[Record]) -> str:
  """Renders what pruning costs without attack, and under one."""
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


def rules(records: Sequence[Record]) -> str:
  """Renders every rule without attack and under two."""
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
  rows = [
    [_code(d), *(_percent(by_place[d, t], c) for t, c in columns.values())]
    for d in defences
  ]
  return _markdown(['rule', *columns], rows)


def attacks(records: Sequence[Record]) -> str:
  """Renders every attack under every rule, and each rule's worst case."""
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


def backdoors(records: Sequence[Record]) -> str:
  """Renders how backdoors live on."""
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
