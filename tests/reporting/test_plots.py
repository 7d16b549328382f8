"""Pictures show the run's numbers, and only those that it has."""

import dataclasses
import math

import numpy as np
import pytest

from flsec.reporting import cell as cell_lib
from flsec.reporting import comparison_plots, plots, style
from flsec.reporting.comparison import ACCURACY, ERROR_RATE, compare


@pytest.fixture(scope='module')
def cell(run_path):
  return cell_lib.read_cell(run_path)


def _line(axes, label):
  (line,) = [one for one in axes.get_lines() if one.get_label() == label]
  return line.get_xdata(), line.get_ydata()


def _labels(axes):
  return axes.get_legend_handles_labels()[1]


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


class TestOtherPictures:
  def test_norms(self, cell):
    (axes,) = plots.draw_norms(cell).axes
    assert _labels(axes)[:2] == ['benign mean', 'malicious mean']
    _, values = _line(axes, 'malicious mean')
    assert values[29] == cell.rows[29]['update_norm/malicious_mean']
    assert axes.get_yscale() == 'linear'

  def test_norms_far_apart_are_logarithmic(self, cell):
    rows = [{**row, 'update_norm/malicious_mean': 1e4} for row in cell.rows]
    (axes,) = plots.draw_norms(dataclasses.replace(cell, rows=rows)).axes
    assert axes.get_yscale() == 'log'

  def test_selection(self, cell):
    (axes,) = plots.draw_selected(cell).axes
    assert set(_labels(axes)) == {'benign', 'malicious', 'attacked rounds'}

  def test_stages_stack_up_to_the_round(self, cell):
    (axes,) = plots.draw_stages(cell).axes
    assert _labels(axes) == [
      'clients', 'aggregation', 'pruning', 'evaluation', 'other',
    ]  # fmt: skip
    tops = [bar.get_y() + bar.get_height() for bar in axes.containers[-1]]
    total = [row['time/round_seconds'] for row in cell.rows]
    np.testing.assert_allclose(tops, total)

  def test_a_slow_first_round_is_cut_off_and_named(self, cell):
    (axes,) = plots.draw_stages(cell).axes
    first, *rest = [row['time/round_seconds'] for row in cell.rows]
    assert max(rest) < axes.get_ylim()[1] < first
    assert axes.texts[0].get_text() == f'round 1: {first:.3g} s'

  def test_classes(self, cell):
    axes = plots.draw_classes(cell).axes[0]
    values = axes.collections[0].get_array().reshape(10, 30)
    assert values[1, 29] == cell.rows[29]['test/accuracy_class_1']

  def test_labels(self, cell):
    axes = plots.draw_labels(cell).axes[0]
    values = axes.collections[0].get_array().reshape(10, 20)
    np.testing.assert_array_equal(values, cell.labels.counts.T)
    assert list(_line(axes, 'malicious')[0]) == [0, 1, 2, 3]

  def test_all_pictures_are_png(self, cell):
    found = plots.pictures(cell)
    assert [picture.name for picture in found] == [
      'curves', 'classes', 'norms', 'selected', 'stages', 'labels',
    ]  # fmt: skip
    assert all(p.png.startswith(b'\x89PNG\r\n') for p in found)

  @pytest.mark.parametrize('rows', [[], [{'round': 1}]])
  def test_a_run_without_numbers_has_no_pictures(self, cell, rows):
    empty = dataclasses.replace(cell, rows=rows, labels=None)
    assert plots.pictures(empty) == []

  def test_a_diverged_run_can_be_drawn(self, cell):
    rows = [
      {
        'round': n,
        'test/accuracy': math.nan,
        'update_norm/benign_mean': math.inf,
      }
      for n in range(1, 4)
    ]
    found = plots.pictures(dataclasses.replace(cell, rows=rows, labels=None))
    assert [picture.name for picture in found] == ['curves', 'norms']


class TestComparison:
  @pytest.fixture(scope='class')
  def cells(self, grid_path):
    return cell_lib.find_cells(grid_path)

  @pytest.mark.parametrize('measure', [ACCURACY, ERROR_RATE])
  def test_heat_map_says_every_value(self, cells, measure):
    found = compare(cells, measure)
    (axes,) = comparison_plots.draw_heat_map(found).axes
    expected = [
      f'{value:.1%}'
      for row, worst in zip(found.values, found.worst)
      for value in (*row, worst)
    ]
    assert [text.get_text() for text in axes.texts] == expected
    ticks = [tick.get_text() for tick in axes.get_xticklabels()]
    assert ticks == [*found.threats, 'worst']

  def test_good_is_bright_in_both_directions(self, cells):
    for measure in (ACCURACY, ERROR_RATE):
      found = compare(cells, measure)
      (axes,) = comparison_plots.draw_heat_map(found).axes
      columns = len(found.threats) + 1
      bright = [sum(patch.get_facecolor()[:3]) for patch in axes.patches]
      worst = dict(zip(found.defences, bright[columns - 1 :: columns]))
      assert max(worst, key=worst.get) == 'trimmed_mean'
      assert min(worst, key=worst.get) in ('mean', 'krum')

  def test_a_hole_in_the_grid_is_drawn_as_one(self, cells):
    found = dataclasses.replace(
      compare(cells, ACCURACY),
      defences=['a'], threats=['x', 'y'], values=[[0.5, None]], worst=[0.5],
    )  # fmt: skip
    (axes,) = comparison_plots.draw_heat_map(found).axes
    assert [t.get_text() for t in axes.texts] == ['50.0%', '-', '50.0%']

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


class TestStyle:
  @pytest.mark.parametrize(
    ('colour', 'expected'),
    [((0, 0, 0, 1), '#FFFFFF'), ((1, 1, 0, 1), style.INK)],
  )
  def test_text_can_be_read_on_its_ground(self, colour, expected):
    assert style.text_colour_on(colour) == expected

  def test_drawing_leaves_the_global_style_alone(self, cell):
    import matplotlib

    before = dict(matplotlib.rcParams)
    plots.pictures(cell)
    assert dict(matplotlib.rcParams) == before

  def test_no_share_is_labelled_with_a_digit_it_has_not(self):
    for values in ([0.9, 0.975], [0.97, 0.98], [0.0, 1.0]):
      figure, (axes,) = style.figure(2)
      style.share_axis(axes, values)
      figure.canvas.draw()
      for place, label in zip(axes.get_yticks(), axes.get_yticklabels()):
        shown = label.get_text().rstrip('%').replace('\N{MINUS SIGN}', '-')
        assert float(shown) == pytest.approx(100 * place)
