"""The stages of a round stack up to it."""

import dataclasses

import numpy as np

from flsec.reporting import time_plot


def _labels(axes):
  return [text.get_text() for text in axes.get_legend().get_texts()]


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


def test_every_stage_has_a_look_of_its_own(cell):
  names = [f'time/stage_{i}_seconds' for i in range(12)]
  rows = [{'round': 1, 'time/round_seconds': 12, **dict.fromkeys(names, 1)}]
  (axes,) = time_plot.draw_stages(dataclasses.replace(cell, rows=rows)).axes
  bars = [container[0] for container in axes.containers]
  looks = {(bar.get_facecolor(), bar.get_hatch()) for bar in bars}
  assert len(looks) == len(bars) == 13
  shown = axes.get_legend().get_patches()
  assert {(one.get_facecolor(), one.get_hatch()) for one in shown} == looks
