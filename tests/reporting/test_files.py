"""Tables and pictures as files."""

import csv

import pytest

from flsec.reporting import files, report, style


@pytest.fixture
def contents(tmp_path, make):
  return report.read(make.run(tmp_path / 'cell', metrics=make.rows(rounds=15)))


def test_tables(contents):
  written = files.write_tables(contents.folder, contents.tables, ['csv', 'tex'])
  names = [path.relative_to(contents.folder).as_posix() for path in written]
  assert names == ['tables/run.csv', 'tables/run.tex']
  with open(written[0], newline='') as file:
    rows = list(csv.DictReader(file))
  last = contents.cells[0].rows[-1]
  assert float(rows[0]['last round']) == last['test/accuracy']


def test_pictures(contents):
  page = style.print_page(3.3, 8)
  written = files.write_pictures(
    contents.folder, contents.pictures[:2], page, ['svg', 'png']
  )
  names = [path.relative_to(contents.folder).as_posix() for path in written]
  assert names == [
    'pictures/curves.svg', 'pictures/curves.png',
    'pictures/classes.svg', 'pictures/classes.png',
  ]  # fmt: skip
  assert all(path.stat().st_size > 1000 for path in written)


def test_nothing_is_made_where_nothing_is_asked_for(contents):
  assert files.write_tables(contents.folder, contents.tables, []) == []
  assert not (contents.folder / 'tables').exists()
