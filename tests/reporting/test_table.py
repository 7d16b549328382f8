"""Columns are kept, dropped and unfolded with what stands in them."""

from flsec.reporting.spread import Spread
from flsec.reporting.table import Column, Number, Table, only_filled, unfolded

_TABLE = Table(
  'made_up',
  'Made up',
  [Column(''), Column('last', 'alie'), Column('mean', 'alie'),
   Column('last', 'none')],
  [['krum', Number(0.1), Number(0.2), Number(None)],
   ['mean', Number(0.3), Number(0.4), Number(None)]],
)  # fmt: skip


def test_groups_are_runs_of_columns():
  assert _TABLE.groups == [('', [0]), ('alie', [1, 2]), ('none', [3])]
  assert _TABLE.has_groups


def test_columns_of_numbers_that_hold_none_go():
  found = only_filled(_TABLE)
  assert [column.title for column in found.columns] == [
    '', 'alie, last', 'alie, mean',
  ]  # fmt: skip
  assert found.rows == [row[:3] for row in _TABLE.rows]


def test_no_rows_keep_their_columns():
  empty = Table('x', '', [Column('a')], [])
  assert only_filled(empty) == empty


def test_unfolding_puts_groups_below_one_another():
  found = unfolded(_TABLE)
  assert [column.name for column in found.columns] == ['', '', 'last', 'mean']
  assert found.rows == [
    ['alie', 'krum', Number(0.1), Number(0.2)],
    ['alie', 'mean', Number(0.3), Number(0.4)],
    ['none', 'krum', Number(None), Number(None)],
    ['none', 'mean', Number(None), Number(None)],
  ]


def test_counts_are_those_of_the_spreads():
  rows = [[Number(Spread(0, 0, 0, n)), Number(3), 'x'] for n in (3, 1, 3)]
  columns = [Column(name) for name in 'abc']
  assert Table('x', '', columns, rows).counts == [1, 3]
