"""A map says every value, in boxes that hold their letters."""

import dataclasses

import numpy as np
import pytest

from flsec.reporting import cell as cell_lib
from flsec.reporting import heat_map, style
from flsec.reporting.comparison import compare
from flsec.reporting.measure import ACCURACY, ERROR_RATE, Moment
from flsec.reporting.spread import Spread, spread

_LAST = Moment.LAST


def _texts(axes):
  return [text.get_text() for text in axes.texts]


@pytest.fixture(scope='module')
def cells(grid_path):
  return cell_lib.find_cells(grid_path)


@pytest.fixture(scope='module')
def single(cells):
  """One seed of each."""
  return [cell for cell in cells if cell.config['seed'] == 1]


@pytest.mark.parametrize('measure', [ACCURACY, ERROR_RATE])
def test_it_says_every_value(single, measure):
  found = compare(single, measure, _LAST)
  axes, _ = heat_map.draw(found).axes
  assert _texts(axes) == [
    f'{100 * one.centre:.1f}'
    for row, worst in zip(found.values, found.worst)
    for one in (*row, worst)
  ]
  ticks = [tick.get_text() for tick in axes.get_xticklabels()]
  assert ticks == [*found.threats, 'worst']


@pytest.mark.parametrize(
  ('kind', 'small'), [('median', '90.0–96.0'), ('mean', '±3.0')]
)
def test_seeds_are_a_spread(cells, kind, small):
  one = Spread(0.93, 0.90, 0.96, 3, kind)
  found = dataclasses.replace(
    compare(cells, ACCURACY, _LAST), defences=['a'], threats=['x'],
    values=[[one]], has_worst=False,
  )  # fmt: skip
  assert _texts(heat_map.draw(found).axes[0]) == ['93.0', small]
  found = dataclasses.replace(
    found, threats=['x', 'y'], values=[[one, spread([0.5])]]
  )
  assert _texts(heat_map.draw(found).axes[0]) == [
    '93.0', f'{small}, n=3', '50.0', 'n=1',
  ]  # fmt: skip


def test_good_is_bright_in_both_directions(cells):
  for measure in (ACCURACY, ERROR_RATE):
    found = compare(cells, measure, _LAST)
    axes, _ = heat_map.draw(found).axes
    columns = len(found.threats) + 1
    bright = [sum(patch.get_facecolor()[:3]) for patch in axes.patches]
    worst = dict(zip(found.defences, bright[columns - 1 :: columns]))
    assert max(worst, key=worst.get) == 'trimmed_mean'
    assert min(worst, key=worst.get) in ('mean', 'krum')


def test_the_colours_are_those_of_all_shares_unless_asked(cells):
  found = compare(cells, ACCURACY, _LAST)
  assert heat_map.draw(found).axes[1].get_ylim() == (0, 1)
  centres = [one.centre for row in found.values for one in row]
  with style.context(dataclasses.replace(style.SCREEN, scale='close')):
    low, high = heat_map.draw(found).axes[1].get_ylim()
  assert high == max(centres) and low == min(min(centres), high - 0.1)


def test_a_hole_in_the_grid_is_drawn_as_one(cells):
  found = dataclasses.replace(
    compare(cells, ACCURACY, _LAST),
    defences=['a'], threats=['x', 'y'], values=[[spread([0.5]), None]],
    worst=[None],
  )  # fmt: skip
  assert _texts(heat_map.draw(found).axes[0]) == ['50.0', '-', '-']


def test_a_single_attack_has_no_worst_case(single):
  chosen = [c for c in single if c.config['attack'] is None] + [
    c for c in single if (c.config['attack'] or {}).get('name') == 'alie'
  ]
  axes, _ = heat_map.draw(compare(chosen, ACCURACY, _LAST)).axes
  ticks = [tick.get_text() for tick in axes.get_xticklabels()]
  assert ticks == ['no attack', 'alie']


@pytest.fixture(scope='module')
def of_one_defence(cells):
  return [cell for cell in cells if 'aggregator=median' in cell.path.name]


def test_more_threats_than_defences_go_down_the_side(of_one_defence):
  axes, _ = heat_map.draw(compare(of_one_defence, ACCURACY, _LAST)).axes
  ticks = [tick.get_text() for tick in axes.get_yticklabels()]
  assert ticks == ['no attack', 'alie', 'label_flip', 'sign_flip', 'worst']
  tops = [patch.get_y() for patch in axes.patches]
  np.testing.assert_allclose(np.diff(tops), [1, 1, 1, 1.25])


@pytest.mark.parametrize('page', [style.SCREEN, style.print_page(3.3, 8)])
def test_letters_stay_within_their_boxes_and_the_picture(cells, page):
  with style.context(page):
    figure = heat_map.draw(compare(cells, ACCURACY, _LAST))
    figure.draw_without_rendering()
    axes, _ = figure.axes
    inside = figure.bbox
    for label in (*axes.get_yticklabels(), *axes.get_xticklabels()):
      box = label.get_window_extent()
      assert box.x0 >= inside.x0 and box.x1 <= inside.x1
    boxes = [patch.get_window_extent() for patch in axes.patches]
    for text in axes.texts:
      found = text.get_window_extent()
      assert any(
        box.x0 <= found.x0 and found.x1 <= box.x1 and box.y0 <= found.y0
        and found.y1 <= box.y1
        for box in boxes
      ), text.get_text()  # fmt: skip


def test_long_names_leave_room_for_the_map(of_one_defence):
  names = [f'an attack, with_an_option=of_many_letters_{i}, ' for i in 'abcd']
  found = dataclasses.replace(
    compare(of_one_defence, ACCURACY, _LAST),
    threats=[name * 3 for name in names],
  )
  figure = heat_map.draw(found)
  figure.draw_without_rendering()
  axes, _ = figure.axes
  for label in axes.get_yticklabels():
    assert label.get_window_extent().x0 >= figure.bbox.x0
  assert axes.get_window_extent().width > figure.bbox.width / 3
