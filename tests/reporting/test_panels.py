"""Panels and legend fit into the picture, however narrow."""

import pytest

from flsec.reporting import looks, panels, style


@pytest.mark.parametrize(
  ('width', 'count', 'columns'),
  [
    (7.6, 1, 1),
    (7.6, 3, 3),
    (7.6, 4, 2),
    (7.6, 7, 3),
    (3.3, 3, 2),
    (1.5, 3, 1),
  ],
)
def test_columns(width, count, columns):
  with style.context(style.print_page(width, 8)):
    assert panels.num_columns(count) == columns
    _, axes = panels.panels([str(i) for i in range(count)], [])
    assert len(axes) == count
    assert len(panels.lowest(axes)) == columns


def _labelled(names):
  figure, axes = panels.panels(['a'], names)
  handles = [looks.handle(looks.look(i), n) for i, n in enumerate(names)]
  panels.legend_below(figure, handles)
  return figure, axes


@pytest.mark.parametrize('width', [7.6, 3.3])
def test_a_legend_of_long_names_stays_inside(width):
  names = [f'trimmed_mean, num_byzantine={i}, option=value' for i in range(9)]
  with style.context(style.print_page(width, 8)):
    figure, axes = _labelled(names)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0
    assert axes[0].get_window_extent().height > 40


def test_a_single_line_without_a_name_has_no_legend():
  figure, _ = _labelled([''])
  assert figure.legends == []
