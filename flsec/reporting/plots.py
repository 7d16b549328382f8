"""Pictures of one run."""

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Callable, Optional

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from flsec.experiment import summary as summary_lib
from flsec.experiment.metric_rows import ROUND
from flsec.reporting import (
  class_plots,
  looks,
  phase_plots,
  style,
  time_plot,
)
from flsec.reporting import panels as panels_lib
from flsec.reporting.cell import Cell
from flsec.reporting.looks import Look
from flsec.reporting.measure import Measure
from flsec.reporting.measure_looks import ACCURACY_LOOK, RATE_LOOKS
from flsec.reporting.picture import Picture

_NARROW = 5.0  # Inches: title and legend do not fit side by side.
_KNOWN = {
  'benign': Look(style.BLUE, '-', 'o'),
  'malicious': Look(style.VERMILION, '--', 's'),
}


def pictures(cell: Cell) -> list[Picture]:
  """Returns the pictures of a run, as far as its metrics suffice for them."""
  found = [
    Picture(name, title, caption, is_wide, functools.partial(draw, cell))
    for name, title, caption, is_wide, draw in _PICTURES
  ]
  # Behind the curves.
  return [found[0], *phase_plots.pictures(cell), *found[1:]]


def draw_curves(cell: Cell) -> Optional[Figure]:
  """Draws test accuracy and, below, the attack's rates over the rounds."""
  rounds, accuracy = cell.series(summary_lib.ACCURACY)
  if not rounds:
    return None
  rates = [one for one in RATE_LOOKS if cell.series(one[0].metric)[0]]
  panels = 2 if rates else 1
  is_narrow = style.page().width < _NARROW
  figure, axes = style.figure(
    1.4 + 1.3 * panels + 0.35 * is_narrow,
    panels,
    share_x=True,
    height_ratios=[1.4, 1][:panels],
  )
  axes[0].set_title('test accuracy')
  shown = style.after_warm_up(rounds, accuracy)
  style.share_axis(axes[0], shown)
  handles: list[list[Artist]] = [[] for _ in axes]
  handles[0].append(
    looks.draw_line(axes[0], rounds, accuracy, ACCURACY_LOOK, 'accuracy')
  )
  if rates:
    handles[1] += _draw_rates(axes[1], cell, rates)
  for one in axes:
    handles[0] += _mark_attack(one, cell)[: one is axes[0]]
  handles[0] += _mark_pruning(axes[0], cell)
  if is_narrow:
    panels_lib.legend_below(figure, [one for named in handles for one in named])
  for one, named in zip(axes, handles):
    style.legend_above(one, [] if is_narrow else named)
    style.round_axis(one, cell.rounds, label=one is axes[-1])
  return figure


def _draw_rates(
  axes: Axes, cell: Cell, rates: Sequence[tuple[Measure, Look]]
) -> list[Artist]:
  axes.set_title('attack')
  series = [cell.series(measure.metric) for measure, _ in rates]
  everything = [v for _, values in series for v in _finite(values)]
  style.share_axis(axes, [0.0, max([0.1, *everything])])
  return [
    looks.draw_line(axes, *one, look, measure.title.lower())
    for one, (measure, look) in zip(series, rates)
  ]


def draw_norms(cell: Cell) -> Optional[Figure]:
  """Draws the length of benign and malicious clients' updates.

  And of the server's own, where the rule has one and measures it.
  """
  names = cell.names('update_norm/')
  if cell.series(summary_lib.ROOT_NORM)[0]:
    names.append(summary_lib.ROOT_NORM)
  if not names:
    return None
  figure, (axes,) = style.figure(2.4, is_wide=False)
  series = [cell.series(name) for name in names]
  everything = [v for _, values in series for v in _finite(values) if v > 0]
  if everything and max(everything) > 20 * min(everything):
    axes.set_yscale('log')
    axes.set_ylim(0.8 * min(everything), 1.25 * max(everything))
  else:
    axes.set_ylim(0, 1.08 * max(everything, default=1.0))
  axes.set_ylabel('l2 norm')
  labels = [
    'server'
    if name == summary_lib.ROOT_NORM
    else name.split('/', 1)[1].replace('_mean', '').replace('_', ' ')
    for name in names
  ]
  return _over_rounds(figure, axes, cell, series, labels)


def draw_selected(cell: Cell) -> Optional[Figure]:
  """Draws how many benign and malicious rows the rule's result rests on."""
  names = [name for name in cell.names('rule/selected') if cell.series(name)[0]]
  if not names:
    return None
  figure, (axes,) = style.figure(2.4, is_wide=False)
  series = [cell.series(name) for name in names]
  everything = [v for _, values in series for v in _finite(values)]
  axes.set_ylim(0, 1.08 * max([1.0, *everything]))
  axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
  axes.set_ylabel('rows')
  labels = [
    name.split('/', 1)[1].replace('selected_', '').replace('_', ' ')
    for name in names
  ]
  return _over_rounds(figure, axes, cell, series, labels)


def _over_rounds(
  figure: Figure,
  axes: Axes,
  cell: Cell,
  series: Sequence[tuple[list[int], list[float]]],
  labels: Sequence[str],
) -> Figure:
  """Draws lines over the rounds; benign and malicious look as everywhere."""
  # The looks of those two, in one order or the other, are the first and sixth.
  others = iter([looks.look(i) for i in (2, 1, 3, 4, 6)] * len(labels))
  handles = [
    looks.draw_line(axes, *one, _KNOWN.get(label) or next(others), label)
    for one, label in zip(series, labels)
  ]
  # The shade is named in the first picture of the page.
  _mark_attack(axes, cell)
  style.legend_above(axes, handles, columns=3)
  style.round_axis(axes, cell.rounds, ticks=7)
  return figure


def _mark_attack(axes: Axes, cell: Cell) -> list[Artist]:
  """Shades the attacked rounds and draws a line where they begin."""
  shades = [
    axes.axvspan(
      first - 0.5, last + 0.5, color=style.VERMILION, alpha=0.09, lw=0,
      label='attacked rounds', zorder=0,
    )
    for first, last in _stretches([row[ROUND] for row in cell.attacked])
  ]  # fmt: skip
  if cell.attacked:
    start = cell.attacked[0][ROUND] - 0.5
    axes.axvline(start, color=style.VERMILION, lw=1, alpha=0.7, zorder=1)
  return shades[:1]


def _mark_pruning(axes: Axes, cell: Cell) -> list[Artist]:
  """Puts a mark under every round in which the server pruned units."""
  pruned = [
    r[ROUND] for r in cell.rows if any(summary_lib.pruned_units([r]).values())
  ]
  if not pruned:
    return []
  return axes.plot(
    pruned, np.full(len(pruned), 0.035), ls='', marker='v',
    color=style.GREEN, label='pruning', transform=axes.get_xaxis_transform(),
    clip_on=False, zorder=5,
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
    'for the target class. Control: the images that success is measured on, '
    'without the trigger. Shaded: attacked rounds. Triangles: rounds in which '
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
