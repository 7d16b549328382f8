"""Pictures become files of the size and format that were asked for."""

import re

import pytest
from matplotlib import rcParams

from flsec.reporting import picture, plots, style

_HEADS = {'png': b'\x89PNG\r\n\x1a\n', 'pdf': b'%PDF-', 'svg': b'<?xml'}


@pytest.fixture(scope='module')
def rendered(cell):
  return picture.render(
    plots.pictures(cell)[:1], style.print_page(3.3, 8), picture.FORMATS
  )


def test_formats(rendered):
  (found,) = rendered
  assert found.picture.name == 'curves'
  assert list(found.files) == ['png', 'pdf', 'svg']
  for name, data in found.files.items():
    assert data.startswith(_HEADS[name])


def test_the_width_is_that_of_the_column(rendered):
  (found,) = rendered
  points = 3.3 * 72
  (box,) = re.findall(rb'/MediaBox \[ 0 0 ([\d.]+) ', found.files['pdf'])
  assert float(box) == pytest.approx(points, abs=0.1)
  (width,) = re.findall(rb'<svg [^>]*width="([\d.]+)pt"', found.files['svg'])
  assert float(width) == pytest.approx(points, abs=0.1)
  assert int.from_bytes(found.files['png'][16:20], 'big') == 3.3 * 300


def test_letters_have_the_size_that_was_asked_for():
  with style.context(style.print_page(3.3, 7)):
    assert rcParams['font.size'] == 7
    assert style.page().factor == pytest.approx(7 / 9)
  assert style.page() is style.SCREEN


def test_the_same_numbers_give_the_same_bytes(cell, rendered):
  again = picture.render(
    plots.pictures(cell)[:1], style.print_page(3.3, 8), picture.FORMATS
  )
  assert again[0].files == rendered[0].files


def test_what_cannot_be_drawn_is_left_out():
  empty = picture.Picture('x', '', '', True, lambda: None)
  assert picture.render([empty]) == []
