"""Where a round spends its time."""

from typing import Optional

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flsec.experiment import summary as summary_lib
from flsec.reporting import style
from flsec.reporting.cell import Cell

_STAGE_SUFFIX = '_seconds'
# In grey, what colours are in colour.
_HATCHES = ('', '////', '....', '\\\\\\\\', 'xxxx')


def draw_stages(cell: Cell) -> Optional[Figure]:
  """Draws the seconds of each stage of a round, stacked."""
  total = dict(zip(*cell.series(summary_lib.ROUND_SECONDS)))
  if not total:
    return None
  figure, (axes,) = style.figure(2.4, is_wide=False)
  rounds = np.array(list(total))
  below = np.zeros(len(rounds))
  handles = []
  for i, (label, values) in enumerate(_stages(cell, total)):
    cycle, place = divmod(i, len(style.CYCLE))
    bars = axes.bar(
      rounds, values, 1.0, bottom=below, color=style.CYCLE[place], label=label,
      hatch=_HATCHES[(i + cycle) % len(_HATCHES)], edgecolor='white', lw=0,
    )  # fmt: skip
    handles.append(bars)
    below += values
  _limit_to_usual(axes, rounds, np.array(list(total.values())))
  axes.set_ylabel('seconds')
  style.legend_above(axes, handles, columns=3)
  style.round_axis(axes, cell.rounds, ticks=7)
  axes.grid(axis='x', visible=False)
  return figure


def _stages(
  cell: Cell, total: dict[int, float]
) -> list[tuple[str, np.ndarray]]:
  """Returns (stage, its seconds in every timed round); the rest comes last."""
  names = [
    name
    for name in cell.names('time/')
    if name.endswith(_STAGE_SUFFIX) and name != summary_lib.ROUND_SECONDS
  ]
  stages = []
  for name in names:
    series = dict(zip(*cell.series(name)))
    label = name[len('time/') : -len(_STAGE_SUFFIX)].replace('_', ' ')
    stages.append((label, np.array([series.get(r, 0.0) for r in total])))
  rest = np.array(list(total.values())) - sum(values for _, values in stages)
  stages.append(('other' if stages else 'round', np.maximum(rest, 0.0)))
  return stages


def _limit_to_usual(
  axes: Axes, rounds: np.ndarray, seconds: np.ndarray
) -> None:
  """Cuts off a slow first round (graphs are traced in it), and says so."""
  usual = seconds[1:].max() if len(seconds) > 1 else seconds.max()
  if seconds[0] > 2 * usual > 0:
    axes.set_ylim(0, 1.35 * usual)
    axes.annotate(
      f'round {rounds[0]}: {seconds[0]:.3g} s',
      (rounds[0] + 0.6, 1.3 * usual),
      va='top',
      fontsize='smaller',
      color=style.MUTED,
    )
