"""Pictures can be read, and leave the global style alone."""

import matplotlib
import pytest

from flsec.reporting import picture, plots, style


@pytest.mark.parametrize(
  ('colour', 'expected'),
  [((0, 0, 0, 1), '#FFFFFF'), ((1, 1, 0, 1), style.INK)],
)
def test_text_can_be_read_on_its_ground(colour, expected):
  assert style.text_colour_on(colour) == expected


def test_drawing_leaves_the_global_style_alone(cell):
  before = dict(matplotlib.rcParams)
  picture.render(plots.pictures(cell))
  assert dict(matplotlib.rcParams) == before


def test_no_share_is_labelled_with_a_digit_it_has_not():
  for values in ([0.9, 0.975], [0.97, 0.98], [0.0, 1.0], [0.6], []):
    figure, (axes,) = style.figure(2)
    style.share_axis(axes, values)
    figure.canvas.draw()
    for place, label in zip(axes.get_yticks(), axes.get_yticklabels()):
      shown = label.get_text().rstrip('%').replace('\N{MINUS SIGN}', '-')
      assert float(shown) == pytest.approx(100 * place)
