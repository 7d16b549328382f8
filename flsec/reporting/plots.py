"""Pictures of one run."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Callable, Optional

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from flsec.experiment import summary as summary_lib
from flsec.experiment.metric_rows import ROUND
from flsec.reporting import class_plots, style, time_plot
from flsec.reporting.cell import Cell

# Rounds, values, label, colour, line style.
_Curve = tuple[list[int], list[float], str, str, str]
_MARKERS_UP_TO = 60  # Rounds; beyond, markers would be one thick line.


@dataclasses.dataclass(frozen=True)
class Picture:
  """A picture in a report.

  Attributes:
    name: a word, for its file or anchor.
    title: what it shows.
    caption: how to read it.
    is_wide: whether it takes the page's whole width.
    png: the bytes of the file.
  """

  name: str
  title: str
  caption: str
  is_wide: bool
  png: bytes


def pictures(cell: Cell) -> list[Picture]:
  """Returns every picture that a run's metrics suffice for."""
  found = []
  with style.context():
    for name, title, caption, is_wide, draw in _PICTURES:
      figure = draw(cell)
      if figure is not None:
        png = style.to_png(figure)
        found.append(Picture(name, title, caption, is_wide, png))
  return found


def draw_curves(cell: Cell) -> Optional[Figure]:
  """Draws test accuracy and, below, the attack's rates over the rounds."""
  rounds, accuracy = cell.series(summary_lib.ACCURACY)
  rates = [
    (*cell.series(name), label, colour, line)
    for name, label, colour, line in (
      (summary_lib.ERROR_RATE, 'error rate', style.VERMILION, '-'),
      (summary_lib.SUCCESS_RATE, 'attack success', style.PURPLE, '--'),
    )
    if cell.series(name)[0]
  ]
  if not rounds:
    return None
  panels = 2 if rates else 1
  figure, axes = style.figure(
    1.4 + 1.3 * panels, panels, share_x=True, height_ratios=[1.4, 1][:panels]
  )
  axes[0].set_title('test accuracy')
  _line(axes[0], rounds, accuracy, 'accuracy', style.BLUE)
  style.share_axis(axes[0], style.after_warm_up(rounds, accuracy))
  if rates:
    _draw_rates(axes[1], rates)
  for one in axes:
    _mark_attack(one, cell, is_named=one is axes[0])
  _mark_pruning(axes[0], cell)
  for one in axes:
    style.legend_above(one)
    style.round_axis(one, cell.rounds, label=one is axes[-1])
  return figure


def _draw_rates(axes: Axes, rates: list[_Curve]) -> None:
  axes.set_title('attack')
  for rounds, values, label, colour, line in rates:
    _line(axes, rounds, values, label, colour, line)
  everything = [value for curve in rates for value in _finite(curve[1])]
  style.share_axis(axes, [0.0, max([0.1, *everything])])


def draw_norms(cell: Cell) -> Optional[Figure]:
  """Draws the length of benign and of malicious clients' updates."""
  names = cell.names('update_norm/')
  if not names:
    return None
  figure, (axes,) = style.figure(2.4, width=style.HALF_WIDTH)
  colours = iter((style.GREY, style.GREEN, style.ORANGE, style.SKY) * 4)
  everything: list[float] = []
  for name in names:
    rounds, values = cell.series(name)
    label = name.split('/', 1)[1].replace('_mean', '').replace('_', ' ')
    known = {'benign': style.BLUE, 'malicious': style.VERMILION}
    line = '--' if 'malicious' in label else '-'
    colour = known.get(label) or next(colours)
    _line(axes, rounds, values, label, colour, line)
    everything += [v for v in _finite(values) if v > 0]
  if everything and max(everything) > 20 * min(everything):
    axes.set_yscale('log')
  else:
    axes.set_ylim(bottom=0)
  axes.set_ylabel('l2 norm')
  return _over_rounds(figure, axes, cell)


def draw_selected(cell: Cell) -> Optional[Figure]:
  """Draws how many benign and malicious rows the rule's result rests on."""
  names = cell.names('rule/selected')
  if not names:
    return None
  figure, (axes,) = style.figure(2.4, width=style.HALF_WIDTH)
  for name, default in zip(names, style.CYCLE):
    rounds, values = cell.series(name)
    label = name.split('/', 1)[1].replace('selected_', '').replace('_', ' ')
    colour = {'benign': style.BLUE, 'malicious': style.VERMILION}.get(
      label.split()[0], default
    )
    line = '--' if 'malicious' in label else '-'
    _line(axes, rounds, values, label, colour, line)
  axes.set_ylim(bottom=0)
  axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
  axes.set_ylabel('rows')
  return _over_rounds(figure, axes, cell)


def _line(
  axes: Axes,
  rounds: list[int],
  values: list[float],
  label: str,
  colour: str,
  line: str = '-',
) -> None:
  marker = 'o' if len(rounds) <= _MARKERS_UP_TO else ''
  axes.plot(
    rounds, values, line, color=colour, label=label, marker=marker, ms=3
  )


def _over_rounds(figure: Figure, axes: Axes, cell: Cell) -> Figure:
  # The shade is named in the first picture of the page.
  _mark_attack(axes, cell, is_named=False)
  style.legend_above(axes, columns=3)
  style.round_axis(axes, cell.rounds, ticks=7)
  return figure


def _mark_attack(axes: Axes, cell: Cell, is_named: bool = True) -> None:
  """Shades the attacked rounds and draws a line where they begin."""
  label = 'attacked rounds' if is_named else None
  for first, last in _stretches([row[ROUND] for row in cell.attacked]):
    axes.axvspan(
      first - 0.5, last + 0.5, color=style.VERMILION, alpha=0.09, lw=0,
      label=label, zorder=0,
    )  # fmt: skip
    label = None
  if cell.attacked:
    start = cell.attacked[0][ROUND] - 0.5
    axes.axvline(start, color=style.VERMILION, lw=1, alpha=0.7, zorder=1)


def _mark_pruning(axes: Axes, cell: Cell) -> None:
  """Puts a mark under every round in which the server pruned units."""
  pruned = [
    r[ROUND] for r in cell.rows if any(summary_lib.pruned_units([r]).values())
  ]
  if pruned:
    axes.plot(
      pruned, np.full(len(pruned), 0.035), ls='', marker='v', ms=5,
      color=style.GREEN, label='pruning', transform=axes.get_xaxis_transform(),
      zorder=5,
    )  # fmt: skip


def _stretches(rounds: list[int]) -> Iterator[tuple[int, int]]:
  """Yields (first, last) of every unbroken stretch of rounds."""
  starts = [r for r in rounds if r - 1 not in set(rounds)]
  ends = [r for r in rounds if r + 1 not in set(rounds)]
  yield from zip(starts, ends)


def _finite(values: list[float]) -> list[float]:
  return [value for value in values if math.isfinite(value)]


_Draw = Callable[[Cell], Optional[Figure]]
_PICTURES: tuple[tuple[str, str, str, bool, _Draw], ...] = (
  (
    'curves',
    'Accuracy and attack',
    'On the whole test set. Error rate: test images of the source class taken '
    'for the target class. Shaded: attacked rounds. Triangles: rounds in which '
    'the server pruned units.',
    True,
    draw_curves,
  ),
  (
    'classes',
    'Accuracy of each class',
    'An attack on one class shows as a dark row after the dashed line.',
    False,
    class_plots.draw_classes,
  ),
  (
    'norms',
    'Update norms',
    'Mean l2 norm of what benign and malicious clients sent, and of what the '
    'rule made of it.',
    False,
    draw_norms,
  ),
  (
    'selected',
    'Selection',
    "How much of the rule's result rests on benign and on malicious rows.",
    False,
    draw_selected,
  ),
  (
    'stages',
    'Time',
    'Where a round spends its time. TensorFlow traces its graphs in the first.',
    False,
    time_plot.draw_stages,
  ),
  (
    'labels',
    'Data of the clients',
    'Training examples that each client holds, class by class.',
    True,
    class_plots.draw_labels,
  ),
)
