"""Pictures show the run's numbers, and only those that it has."""

import dataclasses
import math

import numpy as np
import pytest

from flsec.reporting import cell as cell_lib
from flsec.reporting import picture, plots, style


def _line(axes, label):
  (line,) = [one for one in axes.get_lines() if one.get_label() == label]
  return line.get_xdata(), line.get_ydata()


def _labels(axes):
  return [text.get_text() for text in axes.get_legend().get_texts()]


def _names(cell):
  return [one.picture.name for one in picture.render(plots.pictures(cell))]


class TestCurves:
  def test_lines_are_the_series(self, cell):
    top, bottom = plots.draw_curves(cell).axes
    for axes, label, name in (
      (top, 'accuracy', 'test/accuracy'),
      (bottom, 'error rate', 'attack/error_rate'),
    ):
      rounds, values = _line(axes, label)
      assert list(rounds) == list(range(1, 31))
      np.testing.assert_array_equal(values, [row[name] for row in cell.rows])

  def test_attack_and_pruning_are_marked(self, cell):
    top, bottom = plots.draw_curves(cell).axes
    for axes in (top, bottom):
      (span,) = axes.patches
      left, right = (
        span.get_extents().transformed(axes.transData.inverted()).intervalx
      )
      assert (left, right) == pytest.approx((10.5, 30.5))
    assert list(_line(top, 'pruning')[0]) == [1, 6, 11, 16, 21, 26]

  def test_an_attack_every_other_round_is_many_stretches(self, cell):
    config = {'attack': {'name': 'x', 'start_round': 5, 'every': 10}}
    top = plots.draw_curves(dataclasses.replace(cell, config=config)).axes[0]
    assert len(top.patches) == 3
    assert _labels(top).count('attacked rounds') == 1

  def test_without_an_attack_there_is_one_panel(self, tmp_path, make):
    path = make.run(tmp_path, make.config(attack=None), make.rows(start=None))
    (axes,) = plots.draw_curves(cell_lib.read_cell(path)).axes
    assert list(axes.patches) == []
    assert 'attacked rounds' not in _labels(axes)

  def test_the_start_at_chance_does_not_flatten_the_rest(self, cell):
    low, high = plots.draw_curves(cell).axes[0].get_ylim()
    later = [row['test/accuracy'] for row in cell.rows[3:]]
    assert cell.rows[0]['test/accuracy'] < low < min(later)
    assert high > max(later)

  def test_an_axis_that_is_not_the_whole_says_so(self, cell):
    top, bottom = plots.draw_curves(cell).axes
    later = [row['test/accuracy'] for row in cell.rows[3:]]
    assert top.get_ylabel() == (
      f'axis {100 * min(later):.0f} to {100 * max(later):.0f} %'
    )
    assert bottom.get_ylabel().startswith('axis 0 to ')
    with style.context(dataclasses.replace(style.SCREEN, scale='full')):
      top, _ = plots.draw_curves(cell).axes
    assert top.get_ylim() == pytest.approx((-0.06, 1.06))
    assert top.get_ylabel() == ''

  def test_in_a_column_the_legend_stands_below(self, cell):
    with style.context(style.print_page(3.3, 8)):
      figure = plots.draw_curves(cell)
      figure.draw_without_rendering()
      (legend,) = figure.legends
      assert [text.get_text() for text in legend.get_texts()] == [
        'accuracy', 'attacked rounds', 'pruning', 'error rate',
      ]  # fmt: skip
      assert all(axes.get_legend() is None for axes in figure.axes)


class TestOtherPictures:
  def test_norms(self, cell):
    (axes,) = plots.draw_norms(cell).axes
    assert _labels(axes) == ['benign', 'malicious']
    _, values = _line(axes, 'malicious')
    assert values[29] == cell.rows[29]['update_norm/malicious_mean']
    assert axes.get_yscale() == 'linear'

  def test_the_servers_own_update_stands_beside_the_clients(self, cell):
    rows = [{**row, 'rule/root_norm': 0.5 * row['round']} for row in cell.rows]
    (axes,) = plots.draw_norms(dataclasses.replace(cell, rows=rows)).axes
    assert _labels(axes) == ['benign', 'malicious', 'server']
    _, values = _line(axes, 'server')
    assert values[29] == 15.0

  def test_norms_far_apart_are_logarithmic(self, cell):
    rows = [{**row, 'update_norm/malicious_mean': 1e4} for row in cell.rows]
    (axes,) = plots.draw_norms(dataclasses.replace(cell, rows=rows)).axes
    assert axes.get_yscale() == 'log'

  def test_selection(self, cell):
    (axes,) = plots.draw_selected(cell).axes
    assert set(_labels(axes)) == {'benign', 'malicious'}
    assert len(axes.patches) == 1  # The attacked rounds.

  def test_all_pictures_are_png(self, cell):
    found = picture.render(plots.pictures(cell))
    assert [one.picture.name for one in found] == [
      'curves', 'classes', 'norms', 'selected', 'stages', 'labels',
    ]  # fmt: skip
    assert all(one.files['png'].startswith(b'\x89PNG\r\n') for one in found)

  @pytest.mark.parametrize('rows', [[], [{'round': 1}]])
  def test_a_run_without_numbers_has_no_pictures(self, cell, rows):
    empty = dataclasses.replace(cell, rows=rows, labels=None)
    assert _names(empty) == []

  def test_a_diverged_run_can_be_drawn(self, cell):
    rows = [
      {
        'round': n,
        'test/accuracy': math.nan,
        'update_norm/benign_mean': math.inf,
      }
      for n in range(1, 4)
    ]
    diverged = dataclasses.replace(cell, rows=rows, labels=None)
    assert _names(diverged) == ['curves', 'norms']
