"""Pictures of phases show what was tried, and what clients said."""

import dataclasses

import numpy as np
import phased_runs
import pytest

from flsec.reporting import cell as cell_lib
from flsec.reporting import comparison_plots, phase_plots, picture, plots
from flsec.reporting.measure import SUCCESS_RATE
from flsec.reporting.searches import searches


@pytest.fixture
def phased(make, tmp_path):
  path = make.run(tmp_path / 'cell', metrics=phased_runs.rows())
  phased_runs.write_votes(path)
  return cell_lib.read_cell(path)


def _line(axes, label):
  (line,) = [one for one in axes.get_lines() if one.get_label() == label]
  return line.get_xdata(), line.get_ydata()


def test_channels_pruned(phased):
  figure = phase_plots.draw_search(searches(phased)[0])
  (axes,) = figure.axes
  for place, label in (
    (1, 'accuracy'),
    (2, 'attack success'),
    (3, 'control'),
    (4, 'seen by the server'),
  ):
    x, y = _line(axes, label)
    assert list(x) == [0, 1, 2]
    assert list(y) == [one[place] for one in phased_runs.PRUNED]
  assert 1.0 in [line.get_xdata()[0] for line in axes.get_lines()[-1:]]
  assert axes.get_xlabel() == 'channels pruned'


def test_delta_falls_from_left_to_right(phased):
  figure = phase_plots.draw_search(searches(phased)[1])
  (axes,) = figure.axes
  x, y = _line(axes, 'attack success')
  assert list(x) == [4.0, 3.0, 2.5] and list(y) == [0.99, 0.10, 0.05]
  left, right = axes.get_xlim()
  assert left > right
  figure.draw_without_rendering()
  texts = [one.get_text() for one in axes.get_xticklabels()]
  assert texts == ['none', '3']


def test_a_line_a_run(phased):
  other = dataclasses.replace(
    phased, config={**phased.config, 'server': {'aggregator': 'median'}}
  )
  found = [(one, searches(one)[0]) for one in (phased, other)]
  (axes,) = phase_plots.draw_sweep(found, SUCCESS_RATE).axes
  labels = [line.get_label() for line in axes.get_lines()]
  assert len({one for one in labels if not one.startswith('_')}) == 2
  assert phase_plots.draw_sweep([], SUCCESS_RATE) is None
  names = [one.name for one in comparison_plots.pictures([phased, other])]
  assert 'search_prune_accuracy' in names
  assert 'search_adjust_attack_success' in names


def test_votes_stand_in_the_order_of_the_vote(phased):
  (votes,) = phased.votes
  # Sums of the three valid rankings: 8, 7, 9, 10, 11; channel 1 is removed.
  assert votes.order.tolist() == [1, 0, 2, 3, 4]
  assert (votes.phase, votes.layer, votes.kind) == (1, 'conv2', 'ranks')
  axes = phase_plots.draw_votes(votes).axes[0]
  (mesh,) = axes.collections
  np.testing.assert_array_equal(
    np.asarray(mesh.get_array()).reshape(4, 5), votes.reports[:, votes.order]
  )
  assert list(_line(axes, 'malicious')[1]) == [2.5]
  assert list(_line(axes, 'not counted')[1]) == [3.5]


def test_removed_channels_stand_first_whatever_the_vote(phased):
  votes = dataclasses.replace(phased.votes[0], removed=np.array([4]))
  assert votes.order.tolist() == [4, 1, 0, 2, 3]


def test_masks_are_of_two_colours(make, tmp_path):
  path = make.run(tmp_path / 'cell', metrics=phased_runs.rows())
  phased_runs.write_votes(path, 'bits')
  (votes,) = cell_lib.read_cell(path).votes
  figure = phase_plots.draw_votes(votes)
  assert len(figure.axes) == 1  # Two colours need no scale.


def test_all_are_drawn_in_the_report(phased, cell):
  rendered = picture.render(plots.pictures(phased))
  names = [one.picture.name for one in rendered]
  assert names[:4] == ['curves', 'search_prune', 'search_adjust', 'votes_1']
  plain = [one.name for one in plots.pictures(cell)]
  assert not [n for n in plain if n.startswith(('search', 'votes'))]
