"""A measure against f and other numbers, worked out by hand."""

import numpy as np
import pytest

from flsec.reporting import against
from flsec.reporting.cell import Cell
from flsec.reporting.measure import ACCURACY, ERROR_RATE, Moment

_F = 'attack.num_byzantine'
_ALPHA = 'dataset.partition.alpha'


def _cell(make, accuracy, rule='krum', f=2, attack='alie', seed=1, **more):
  rule = {'name': rule, 'num_byzantine': f}
  threat = attack and {'name': attack, 'num_byzantine': f, 'start_round': 1}
  config = make.config(
    server__aggregator=rule, attack=threat, seed=seed, **more
  )
  return Cell(None, config, '', [{'round': 1, 'test/accuracy': accuracy}], True)


def _line(axes, label=None):
  """Returns the points of the line of a name, or of the only one."""
  lines = [one for one in axes.get_lines() if one.get_linestyle() != 'None']
  (line,) = [one for one in lines if label in (None, one.get_label())]
  return line.get_xdata().tolist(), line.get_ydata().tolist()


def _draw(cells, path=_F, kind='median'):
  return against.draw(cells, path, ACCURACY, Moment.LAST, kind)


class TestNumberOfMaliciousClients:
  def test_a_line_a_rule_though_its_estimate_follows(self, make):
    cells = [
      _cell(make, 0.9 - f / 100 - 0.1 * (rule == 'mean'), rule, f)
      for rule in ('krum', 'mean')
      for f in (6, 2, 4)
    ]
    assert against.settings(cells) == [_F]
    (axes,) = _draw(cells).axes
    assert _line(axes, 'krum')[0] == [2, 4, 6]
    assert _line(axes, 'krum')[1] == pytest.approx([0.88, 0.86, 0.84])
    assert _line(axes, 'mean')[1] == pytest.approx([0.78, 0.76, 0.74])
    assert axes.get_xlabel() == 'malicious clients f'

  def test_without_attack_every_line_begins(self, make):
    cells = [_cell(make, 0.95, f=0, attack=None)]
    cells += [
      _cell(make, value, f=f, attack=attack)
      for attack, f, value in (
        ('alie', 2, 0.9), ('alie', 4, 0.8), ('ipm', 2, 0.7), ('ipm', 4, 0.6),
      )
    ]  # fmt: skip
    panels = _draw(cells).axes
    assert [panel.get_title() for panel in panels] == ['alie', 'ipm']
    assert _line(panels[0]) == ([0, 2, 4], [0.95, 0.9, 0.8])
    assert _line(panels[1]) == ([0, 2, 4], [0.95, 0.7, 0.6])

  def test_a_run_that_is_not_finished_is_left_out(self, make):
    cells = [_cell(make, f / 10, f=f) for f in (1, 2, 3)]
    cells[2] = Cell(None, cells[2].config, '', cells[2].rows, False)
    (axes,) = _draw(cells).axes
    assert _line(axes) == ([1, 2], [0.1, 0.2])


class TestOtherSettings:
  def test_heterogeneity_far_apart_is_a_scale_of_ratios(self, make):
    partition = [{'name': 'dirichlet', 'alpha': a} for a in (0.1, 1, 10)]
    cells = [
      _cell(make, 0.9, dataset__partition=one, seed=seed)
      for one in partition
      for seed in (1, 2)
    ]
    (axes,) = _draw(cells, _ALPHA).axes
    assert axes.get_xscale() == 'log'
    figure = axes.figure
    figure.canvas.draw()
    shown = [tick.get_text() for tick in axes.get_xticklabels()]
    assert [float(text) for text in shown if text] == [0.1, 1, 10]

  def test_a_setting_that_is_no_number_or_does_not_vary(self, make):
    cells = [
      _cell(make, 0.9, dataset__partition={'name': name}, seed=1)
      for name in ('iid', 'by_writer')
    ]
    assert against.settings(cells) == []
    assert _draw(cells) is None

  def test_runs_without_the_setting_have_no_point(self, make):
    partitions = [
      {'name': 'iid'},
      {'name': 'dirichlet', 'alpha': 0.1},
      {'name': 'dirichlet', 'alpha': 0.5},
    ]
    cells = [_cell(make, 0.9, dataset__partition=one) for one in partitions]
    (axes,) = _draw(cells, _ALPHA).axes
    assert axes.get_title() == 'dirichlet'


class TestSeeds:
  @pytest.mark.parametrize(
    ('kind', 'centre', 'low', 'high'),
    [
      ('median', 0.5, 0.4, 0.9),
      ('mean', 0.6, 0.6 - 0.07**0.5, 0.6 + 0.07**0.5),
    ],
  )
  def test_bars_are_their_spread(self, make, kind, centre, low, high):
    cells = [
      _cell(make, value, f=f, seed=seed)
      for f in (1, 2)
      for seed, value in enumerate((0.4, 0.5, 0.9))
    ]
    (axes,) = _draw(cells, kind=kind).axes
    assert _line(axes)[1] == pytest.approx([centre] * 2)
    (bars,) = [one for one in axes.containers if hasattr(one, 'has_yerr')]
    (segments,) = bars[2]
    ends = np.array(segments.get_segments())[:, :, 1]
    np.testing.assert_allclose(ends, [[low, high]] * 2)
    bottom, top = axes.get_ylim()
    assert bottom < low and top > high

  def test_one_seed_has_no_bars(self, make):
    (axes,) = _draw([_cell(make, 0.9, f=f) for f in (1, 2)]).axes
    assert list(axes.containers) == []


def test_what_was_not_measured_has_no_picture(make):
  cells = [_cell(make, 0.9, f=f) for f in (1, 2)]
  assert against.draw(cells, _F, ERROR_RATE, Moment.LAST) is None
