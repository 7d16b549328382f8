"""Heat maps of classes: their accuracy, and which client holds them."""

import math
from typing import Optional

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from flsec.experiment.metric_rows import ROUND
from flsec.reporting import style
from flsec.reporting.cell import Cell

_PER_CLASS = 'test/accuracy_class_'


def draw_classes(cell: Cell) -> Optional[Figure]:
  """Draws the test accuracy of every class in every round as a heat map."""
  names = cell.names(_PER_CLASS)
  if not names:
    return None
  figure, (axes,) = style.figure(
    max(2.4, min(0.7 + 0.17 * len(names), 5.0)), is_wide=False
  )
  rounds = cell.series(names[0])[0]
  values = np.full([len(names), len(rounds)], np.nan)  # [classes, rounds]
  for i, name in enumerate(names):
    series = dict(zip(*cell.series(name)))
    values[i] = [series.get(r, np.nan) for r in rounds]
  mesh = axes.pcolormesh(
    _edges(rounds), np.arange(len(names) + 1), values, cmap='viridis', vmin=0,
    vmax=1,
  )  # fmt: skip
  _class_axis(axes, [name[len(_PER_CLASS) :] for name in names])
  bar = figure.colorbar(mesh, ax=axes, pad=0.01, format=PercentFormatter(1.0))
  bar.outline.set_visible(False)
  if cell.attacked:
    axes.axvline(cell.attacked[0][ROUND] - 0.5, color='white', lw=1.5, ls='--')
  style.round_axis(axes, cell.rounds, ticks=7)
  return figure


def draw_labels(cell: Cell) -> Optional[Figure]:
  """Draws how many examples of each class each client holds."""
  if cell.labels is None:
    return None
  counts = cell.labels.counts  # [clients, classes]
  clients, classes = counts.shape
  figure, (axes,) = style.figure(min(1.1 + 0.19 * classes, 5.0))
  mesh = axes.pcolormesh(
    np.arange(clients + 1) - 0.5, np.arange(classes + 1), counts.T,
    cmap='Blues', vmin=0,
  )  # fmt: skip
  _class_axis(axes, [str(i) for i in range(classes)])
  malicious = np.flatnonzero(cell.labels.is_malicious)
  marks = axes.plot(
    malicious, np.full(len(malicious), -0.02), clip_on=False, ls='', marker='^',
    ms=max(2.0, min(6.0, 40 * style.page().width / clients)),
    color=style.VERMILION,
    transform=axes.get_xaxis_transform(), label='malicious', zorder=5,
  )  # fmt: skip
  if len(malicious):
    style.legend_above(axes, marks)
  axes.tick_params(axis='x', pad=7)
  axes.set_xlabel('client')
  axes.xaxis.set_major_locator(MaxNLocator(nbins=16, integer=True))
  bar = figure.colorbar(mesh, ax=axes, pad=0.01, label='examples')
  bar.outline.set_visible(False)
  return figure


def _class_axis(axes: Axes, labels: list[str]) -> None:
  step = math.ceil(len(labels) / 24)
  axes.set_yticks(np.arange(len(labels))[::step] + 0.5, labels[::step])
  axes.tick_params(axis='y', length=0)
  axes.invert_yaxis()
  axes.set_ylabel('class')
  axes.grid(visible=False)


def _edges(rounds: list[int]) -> np.ndarray:
  """Returns the borders of cells, each reaching to the next measured round."""
  starts = np.array(rounds, float) - 0.5
  return np.append(starts, rounds[-1] + 0.5)
