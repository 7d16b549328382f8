"""docs/hostile_updates.md is what the rules do; nothing in it is a fault."""

import re

import hostile_table
import hostile_updates
import pytest
import stock_tff

_KINDS = list(hostile_updates.HOSTILE)


def test_every_rule_is_finite_or_refuses_by_every_path():
  cells = hostile_table.read()
  assert set(cells) == {
    (name, kind) for name in hostile_table.names() for kind in _KINDS
  }, 'run: python tests/faults/hostile_table.py'
  assert all(re.fullmatch('[-fr][fr]{3}', cell) for cell in cells.values())


def test_page_is_what_is_made_of_its_cells():
  text = hostile_table.PAGE.read_text(encoding='utf-8')
  assert text == hostile_table.page(hostile_table.read())


@pytest.mark.parametrize('name', ['mean', 'median'])
def test_page_is_what_is_measured_without_xla_and_tff(name):
  cells, tried = hostile_table.read(), hostile_table.Tried(name)
  for kind in _KINDS:
    found = tried.streamed(kind) + tried.stacked(kind)
    assert found == cells[name, kind][:2], kind


@pytest.mark.slow
@pytest.mark.parametrize('name', hostile_table.names())
def test_page_is_what_is_measured(name):
  cells, tried = hostile_table.read(), hostile_table.Tried(name)
  with stock_tff.local_worker():
    stock = tried.stock()
    for kind in _KINDS:
      found = hostile_table.cell(tried, stock, kind)
      assert found == cells[name, kind], kind
