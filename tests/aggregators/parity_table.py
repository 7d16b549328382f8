"""Measures what each rule does, as the table of docs/aggregators.md.

`python tests/aggregators/parity_table.py` writes the table anew;
test_parity_table.py fails where the page is not what is measured.
"""

import pathlib
import sys

import numpy as np
import rule_cases

from flsec import registry

PAGE = pathlib.Path(__file__).parents[2] / 'docs' / 'aggregators.md'
BEGIN, END = '<!-- table: begin -->', '<!-- table: end -->'
HEADER = (
  '| rule | paper | least n (f = 3) | order | shift | scale '
  '| 3 of 15 at 1e30 | variants |\n'
  '|---|---|---|---|---|---|---|---|\n'
)


def table():
  return HEADER + ''.join(row(name) for name in rule_cases.NAMES)


def row(name):
  entry = registry.entry('aggregator', name)
  rule = rule_cases.build(name)
  x = rule_cases.stack()
  plain = rule(x)
  cells = [
    f'`{name}`',
    entry.paper,
    str(rule.minimum_clients),
    _yes(rule_cases.is_close(rule(x[::-1]), plain)),
    _yes(rule_cases.is_close(rule(x + 8), plain + 8)),
    _yes(rule_cases.is_close(rule(x * 2.0**-9), plain * 2.0**-9)),
    breakdown(rule),
    _variants(entry),
  ]
  return '| ' + ' | '.join(cells) + ' |\n'


def breakdown(rule):
  """Says where 3 rows at 1e30 of 15 leave the result."""
  x, is_benign = rule_cases.attacked(1e30)
  result = np.asarray(rule(x), np.float64)
  benign = x[is_benign]
  slack = 1e-5 * np.abs(benign).max()
  if np.all(result >= benign.min(0) - slack) and np.all(
    result <= benign.max(0) + slack
  ):
    return 'inside'
  largest = np.linalg.norm(benign, axis=1).max()
  return 'bounded' if np.linalg.norm(result) <= 2 * largest else 'lost'


def write():
  text = PAGE.read_text(encoding='utf-8')
  before, rest = text.split(BEGIN)
  after = rest.split(END)[1]
  PAGE.write_text(f'{before}{BEGIN}\n{table()}{END}{after}', encoding='utf-8')


def shown():
  text = PAGE.read_text(encoding='utf-8')
  return text.split(BEGIN + '\n')[1].split(END)[0]


def _yes(value):
  return 'yes' if value else 'no'


def _variants(entry):
  module = sys.modules[entry.load().__module__]
  known = getattr(module, 'REPLICATIONS', ())
  if 'replication' not in entry.option_names:
    return ''
  if not known:
    for helper in ('krum_scores', 'density'):
      if hasattr(module, helper):
        known = getattr(module, helper).REPLICATIONS
  return ', '.join(f'`{one}`' for one in known if one != 'none')


if __name__ == '__main__':
  write()
