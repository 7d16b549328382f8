"""Lines are centres over seeds, bands their spread, legends what is drawn."""

import dataclasses

import numpy as np
import pytest

from flsec.reporting import cell as cell_lib
from flsec.reporting import curves, looks
from flsec.reporting.cell import Cell
from flsec.reporting.measure import ACCURACY, ERROR_RATE, SUCCESS_RATE


@pytest.fixture(scope='module')
def cells(grid_path):
  return cell_lib.find_cells(grid_path)


def _line(axes, label):
  (line,) = [one for one in axes.get_lines() if one.get_label() == label]
  return line.get_xdata(), line.get_ydata()


def _legend(figure):
  (legend,) = figure.legends
  return [text.get_text() for text in legend.get_texts()]


def _named(cells, *words):
  return [c for c in cells if all(word in c.path.name for word in words)]


@pytest.mark.parametrize(
  ('kind', 'centre'), [('median', np.median), ('mean', np.mean)]
)
def test_lines_are_centres_and_bands_spreads(cells, kind, centre):
  panels = curves.draw(cells, ACCURACY, kind).axes
  titles = [panel.get_title() for panel in panels]
  assert titles == ['no attack', 'alie', 'label_flip', 'sign_flip']
  chosen = _named(cells, 'aggregator=median', 'attack=alie')
  values = np.array([c.series('test/accuracy')[1] for c in chosen])
  assert len(values) == 2
  _, drawn = _line(panels[1], 'median')
  np.testing.assert_allclose(drawn, centre(values, axis=0))
  band = panels[1].collections[2].get_paths()[0].vertices
  width = np.ptp(values, axis=0).max()
  # Of two values the sample's deviation is the difference over sqrt(2).
  expected = width if kind == 'median' else np.sqrt(2) * width
  heights = [np.ptp(band[band[:, 0] == n, 1]) for n in range(2, 30)]
  assert max(heights) == pytest.approx(expected, rel=1e-6)


def test_a_panel_has_the_lines_of_the_defences_that_met_its_threat(cells):
  cells = [c for c in cells if not _named([c], 'rule=krum', 'attack=alie')]
  figure = curves.draw(cells, ERROR_RATE)
  assert [panel.get_title() for panel in figure.axes] == [
    'alie', 'label_flip', 'sign_flip',
  ]  # fmt: skip
  assert _legend(figure) == ['krum', 'mean', 'median', 'trimmed_mean']


def test_the_legend_names_no_line_that_is_not_there(cells):
  bare = [
    dataclasses.replace(c, rows=[{'round': 1}])
    if _named([c], 'aggregator=krum')
    else c
    for c in cells
    if not _named([c], 'attack=alie')
  ]
  assert _legend(curves.draw(bare, ACCURACY)) == [
    'mean', 'median', 'trimmed_mean',
  ]  # fmt: skip


def test_more_threats_than_defences_share_a_panel(cells):
  cells = _named(cells, 'aggregator=median')
  figure = curves.draw(cells, ACCURACY)
  assert len(figure.axes) == 1
  assert _legend(figure) == ['no attack', 'alie', 'label_flip', 'sign_flip']


def test_runs_that_did_not_measure_it_have_no_picture(cells):
  bare = [dataclasses.replace(c, rows=[{'round': 1}]) for c in cells]
  assert curves.draw(bare, ACCURACY) is None
  assert curves.draw(cells, SUCCESS_RATE) is None


def test_lines_that_are_not_drawn_are_named(cells, monkeypatch):
  assert 'Not drawn' not in curves.caption(cells, ACCURACY)
  monkeypatch.setattr(looks, 'LOOKS', 2)
  caption = curves.caption(cells, ACCURACY)
  assert caption.endswith(' Not drawn: median; trimmed_mean.')
  assert _legend(curves.draw(cells, ACCURACY)) == ['krum', 'mean']


def test_the_caption_says_what_a_band_is(cells):
  assert curves.caption(cells, ACCURACY, 'mean').startswith(
    'Line and band: mean ± standard deviation of up to 2 seeds.'
  )
  one = [c for c in cells if c.config['seed'] == 1]
  assert curves.caption(one, ACCURACY).startswith('The vertical line')


class TestAgainstVolume:
  def test_a_line_stands_over_what_was_sent_until_then(self, make):
    cells = []
    for seed, each in ((1, 2.0), (2, 4.0)):
      rows = [
        {'round': n, 'communication/volume_mib': each} for n in range(1, 5)
      ]
      rows[1]['test/accuracy'] = 0.5
      rows[3]['test/accuracy'] = 0.9
      cells.append(Cell(None, make.config(seed=seed), '', rows, True))
    (axes,) = curves.draw(cells, ACCURACY, against_volume=True).axes
    line = axes.get_lines()[0]
    # Of 4 and 8 MiB after two rounds, of 8 and 16 after four.
    assert line.get_xdata().tolist() == [6, 12]
    assert line.get_ydata().tolist() == [0.5, 0.9]
    assert axes.get_xlabel() == 'MiB a client'

  def test_runs_that_did_not_measure_it_have_none(self, cells):
    assert curves.draw(cells, ACCURACY, against_volume=True) is None
