"""Lines can be told apart without colours; no edge cuts a marker."""

import numpy as np
import pytest

from flsec.reporting import looks, style


def test_all_looks_differ_in_grey_and_neighbours_in_both_ways():
  found = [looks.look(i) for i in range(looks.LOOKS)]
  assert len({(one.dashes, one.marker) for one in found}) == looks.LOOKS == 28
  for one, other in zip(found, found[1:]):
    assert one.dashes != other.dashes and one.marker != other.marker
    assert one.colour != other.colour


def _drawn(y, low=None, high=None, limits=(0, 1)):
  _, (axes,) = style.figure(2)
  axes.set_ylim(*limits)
  handle = looks.draw_line(
    axes, range(len(y)), y, looks.look(1), 'krum', low=low, high=high
  )
  return axes, handle, *axes.get_lines()


def test_the_line_has_all_points_and_few_markers():
  y = np.linspace(0.1, 0.9, 200)
  _, handle, line, markers = _drawn(y)
  np.testing.assert_array_equal(line.get_ydata(), y)
  assert 10 < len(markers.get_xdata()) < 40
  assert handle.get_label() == 'krum'
  assert handle.get_marker() == markers.get_marker() == 's'
  assert handle.get_linestyle() == line.get_linestyle() == '--'


def test_markers_at_the_edge_are_whole_and_none_lies_outside():
  _, _, line, markers = _drawn([0.0, 0.5, 1.0, 1.2, np.nan, -0.1])
  assert markers.get_ydata().tolist() == [0.0, 0.5, 1.0]
  assert not markers.get_clip_on() and line.get_clip_on()


@pytest.mark.parametrize('is_band', [False, True])
def test_a_band_where_there_is_a_spread(is_band):
  y = np.array([0.2, 0.4])
  axes, *_ = _drawn(y, y - 0.1 * is_band, y + 0.1 * is_band)
  assert len(axes.collections) == is_band
