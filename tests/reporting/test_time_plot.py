"""The stages of a round stack up to it."""

import numpy as np

from flsec.reporting import time_plot


def _labels(axes):
  return axes.get_legend_handles_labels()[1]


def test_stages_stack_up_to_the_round(cell):
  (axes,) = time_plot.draw_stages(cell).axes
  assert _labels(axes) == [
    'clients', 'aggregation', 'pruning', 'evaluation', 'other',
  ]  # fmt: skip
  tops = [bar.get_y() + bar.get_height() for bar in axes.containers[-1]]
  total = [row['time/round_seconds'] for row in cell.rows]
  np.testing.assert_allclose(tops, total)


def test_a_slow_first_round_is_cut_off_and_named(cell):
  (axes,) = time_plot.draw_stages(cell).axes
  first, *rest = [row['time/round_seconds'] for row in cell.rows]
  assert max(rest) < axes.get_ylim()[1] < first
  assert axes.texts[0].get_text() == f'round 1: {first:.3g} s'
