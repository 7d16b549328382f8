"""What phases came to, in tables."""

import dataclasses

import phased_runs
import pytest

from flsec.reporting import cell as cell_lib
from flsec.reporting import report, run_tables
from flsec.reporting.phase_tables import run_phases, sweep_phases
from flsec.reporting.table import Number


@pytest.fixture
def phased(make, tmp_path):
  path = make.run(tmp_path / 'cell', metrics=phased_runs.rows())
  return cell_lib.read_cell(path)


def _entries(row):
  return [one.value if isinstance(one, Number) else one for one in row]


def test_a_row_a_phase(phased):
  table = run_phases(phased)
  assert [column.name for column in table.columns] == [
    'phase', 'Test accuracy', 'Attack success', 'Control, without the trigger',
    'rounds', 'tests', 'removed', 'Delta', 'seconds',
  ]  # fmt: skip
  assert [_entries(row) for row in table.rows] == [
    ['train', 0.9, 1.0, 0.01, 2, None, None, None, 4.0],
    ['prune', 0.89, 0.99, 0.01, None, 3, 1, None, 1.0],
    ['adjust', 0.88, 0.10, 0.01, None, 3, 4, 3.0, 1.0],
  ]


def test_a_run_of_one_phase_has_no_table(cell, make, tmp_path):
  assert run_phases(cell) is None
  trained = make.run(tmp_path / 'one', metrics=phased_runs.rows()[:2])
  assert run_phases(cell_lib.read_cell(trained)) is None


def test_runs_side_by_side(phased):
  other = dataclasses.replace(phased, rows=phased.rows[:2])
  table = sweep_phases([phased, other], ['target'], [['0'], ['1']])
  heads = [(column.group, column.name) for column in table.columns]
  assert heads[:3] == [('', 'target'), ('', 'seed'), ('train', 'Test accuracy')]
  assert ('prune', 'removed') in heads and ('train', 'removed') not in heads
  place = heads.index(('adjust', 'Attack success'))
  assert [_entries(row)[place] for row in table.rows] == [0.10, None]
  assert sweep_phases([other], [], [[]]) is None


def test_two_phases_of_a_name_are_told_apart(phased):
  twice = [*phased.rows[:6], *phased.rows[2:6]]
  table = sweep_phases([dataclasses.replace(phased, rows=twice)], [], [[]])
  assert list(dict(table.groups)) == ['', 'train', 'prune', 'prune 2']


def test_they_stand_in_the_reports(phased, grid_path, make):
  contents = report.read(phased.path)
  assert [table.name for table in contents.tables] == ['run', 'phases']
  page = report.write(contents).read_text()
  assert page.count('Phases, in %') == 1
  names = [table.name for table in run_tables.sweep_tables([phased, phased])]
  assert names[:2] == ['runs', 'phases']
  plain = run_tables.sweep_tables(cell_lib.find_cells(grid_path))
  assert 'phases' not in [table.name for table in plain]
