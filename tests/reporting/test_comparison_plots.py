"""Heat maps and curves of many runs show their numbers."""

import dataclasses

import numpy as np
import pytest

from flsec.reporting import cell as cell_lib
from flsec.reporting import comparison_plots
from flsec.reporting.comparison import compare
from flsec.reporting.measure import ACCURACY, ERROR_RATE, Moment
from flsec.reporting.spread import spread


def _line(axes, label):
  (line,) = [one for one in axes.get_lines() if one.get_label() == label]
  return line.get_xdata(), line.get_ydata()


class TestComparison:
  @pytest.fixture(scope='class')
  def cells(self, grid_path):
    return cell_lib.find_cells(grid_path)

  @pytest.mark.parametrize('measure', [ACCURACY, ERROR_RATE])
  def test_heat_map_says_every_value(self, cells, measure):
    found = compare(cells, measure, Moment.LAST)
    (axes,) = comparison_plots.draw_heat_map(found).axes
    expected = [
      f'{value.centre:.1%}'
      for row, worst in zip(found.values, found.worst)
      for value in (*row, worst)
    ]
    assert [text.get_text() for text in axes.texts] == expected
    ticks = [tick.get_text() for tick in axes.get_xticklabels()]
    assert ticks == [*found.threats, 'worst']

  def test_good_is_bright_in_both_directions(self, cells):
    for measure in (ACCURACY, ERROR_RATE):
      found = compare(cells, measure, Moment.LAST)
      (axes,) = comparison_plots.draw_heat_map(found).axes
      columns = len(found.threats) + 1
      bright = [sum(patch.get_facecolor()[:3]) for patch in axes.patches]
      worst = dict(zip(found.defences, bright[columns - 1 :: columns]))
      assert max(worst, key=worst.get) == 'trimmed_mean'
      assert min(worst, key=worst.get) in ('mean', 'krum')

  def test_a_hole_in_the_grid_is_drawn_as_one(self, cells):
    found = dataclasses.replace(
      compare(cells, ACCURACY, Moment.LAST),
      defences=['a'], threats=['x', 'y'], values=[[spread([0.5]), None]],
      worst=[None],
    )  # fmt: skip
    (axes,) = comparison_plots.draw_heat_map(found).axes
    assert [t.get_text() for t in axes.texts] == ['50.0%', '-', '-']

  def test_curves_are_medians_over_seeds(self, cells):
    panels = comparison_plots.draw_curves(cells).axes
    titles = [panel.get_title() for panel in panels]
    assert titles == ['no attack', 'alie', 'label_flip', 'sign_flip']
    _, values = _line(panels[1], 'median')
    chosen = [
      c for c in cells if 'aggregator=median,attack=alie' in c.path.name
    ]
    expected = np.median([c.series('test/accuracy')[1] for c in chosen], axis=0)
    np.testing.assert_allclose(values, expected)
    assert len(chosen) == 2

  def test_runs_without_accuracy_have_no_curves(self, cells):
    bare = [dataclasses.replace(c, rows=[{'round': 1}]) for c in cells]
    assert comparison_plots.draw_curves(bare) is None
    assert comparison_plots.pictures(bare) == []

  def test_lines_that_are_not_drawn_are_named(self, cells, monkeypatch):
    assert 'Not drawn' not in comparison_plots.pictures(cells)[-1].caption
    monkeypatch.setattr(comparison_plots, '_LINES', 2)
    caption = comparison_plots.pictures(cells)[-1].caption
    assert caption.endswith(' Not drawn: median; trimmed_mean.')


class TestMoreThreatsThanDefences:
  @pytest.fixture(scope='class')
  def cells(self, grid_path):
    return [
      cell
      for cell in cell_lib.find_cells(grid_path)
      if 'aggregator=median' in cell.path.name
    ]

  def test_they_go_down_the_side_of_a_map(self, cells):
    found = compare(cells, ACCURACY, Moment.LAST)
    (axes,) = comparison_plots.draw_heat_map(found).axes
    ticks = [tick.get_text() for tick in axes.get_yticklabels()]
    assert ticks == ['no attack', 'alie', 'label_flip', 'sign_flip', 'worst']
    (row,), (worst,) = found.values, found.worst
    shown = [text.get_text() for text in axes.texts]
    assert shown == [f'{value.centre:.1%}' for value in (*row, worst)]
    tops = [patch.get_y() for patch in axes.patches]
    np.testing.assert_allclose(np.diff(tops), [1, 1, 1, 1.25])

  def test_they_share_the_panel_of_a_defence(self, cells):
    figure = comparison_plots.draw_curves(cells)
    (panel,) = figure.axes
    chosen = [c for c in cells if 'attack=alie' in c.path.name]
    expected = np.median([c.series('test/accuracy')[1] for c in chosen], axis=0)
    np.testing.assert_allclose(_line(panel, 'alie')[1], expected)
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ['no attack', 'alie', 'label_flip', 'sign_flip']

  def test_long_names_stay_within_the_picture(self, cells):
    names = [f'an attack, with_an_option=of_many_letters_{i}, ' for i in 'abcd']
    found = dataclasses.replace(
      compare(cells, ACCURACY, Moment.LAST),
      threats=[name * 3 for name in names],
    )
    figure = comparison_plots.draw_heat_map(found)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    inside = figure.bbox
    for label in (*axes.get_yticklabels(), *axes.get_xticklabels()):
      box = label.get_window_extent()
      assert box.x0 >= inside.x0 and box.x1 <= inside.x1
    assert axes.get_window_extent().width > inside.width / 3
