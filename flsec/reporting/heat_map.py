"""Defences against threats as boxes of colour."""

import itertools
import math
import textwrap
from collections.abc import Sequence
from typing import Optional

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import PercentFormatter

from flsec.reporting import style
from flsec.reporting.comparison import Comparison, Layout
from flsec.reporting.spread import MEAN, Spread

CAPTION = (
  'Yellow is good for the defender in every map. The worst case of a whole row '
  'stands apart.'
)
_MAP_NAMES = {True: 'viridis', False: 'viridis_r'}
_NO_VALUE = (0.95, 0.95, 0.96, 1.0)
# Shares of the picture's width.
_LABELS, _BAR = 0.3, 0.1


def draw(comparison: Comparison) -> Figure:
  """Draws defences against threats, the worst case apart."""
  shown = comparison.laid_out()
  rows, columns = len(shown.rows), len(shown.columns)
  counts = comparison.counts
  lines = 1 + (counts[-1] > 1)
  figure, (axes,) = style.figure(1.0 + (0.24 + 0.18 * lines) * rows)
  colours = ScalarMappable(
    Normalize(*_span(comparison)),
    _MAP_NAMES[comparison.measure.is_higher_better],
  )
  left, top = np.arange(columns, dtype=float), np.arange(rows, dtype=float)
  # The worst case stands a quarter of a box apart.
  (top if shown.is_tall else left)[-1] += 0.25 * shown.has_worst
  texts = [
    _draw_box(axes, left[j], top[i], value, colours, counts)
    for i, row in enumerate(shown.values)
    for j, value in enumerate(row)
  ]
  axes.set_xlim(0, left[-1] + 1)
  axes.set_ylim(top[-1] + 1, 0)
  _name_axes(axes, shown, left, top)
  bar = figure.colorbar(
    colours, ax=axes, pad=0.015, aspect=30, format=PercentFormatter(1.0)
  )
  bar.outline.set_visible(False)
  _fit(figure, axes, texts, left[-1] + 1)
  return figure


def _span(comparison: Comparison) -> tuple[float, float]:
  """Returns the range of colours: all shares, or the values' own.

  The range of values is at least ten points wide.
  """
  if style.page().scale != 'close':
    return 0.0, 1.0
  found = [one.centre for row in comparison.values for one in row if one]
  low, high = min(found), max(found)
  return (low, high) if high - low > 0.1 else (high - 0.1, high)


def _texts(value: Optional[Spread], counts: list[int]) -> tuple[str, str]:
  """Returns what is written in a box, large and small."""
  if value is None:
    return '-', ''
  small = []
  if value.count > 1 and value.kind == MEAN:
    small.append(f'±{100 * value.deviation:.1f}')
  elif value.count > 1:
    small.append(f'{100 * value.low:.1f}–{100 * value.high:.1f}')
  small += [f'n={value.count}'] if len(counts) > 1 else []
  return f'{100 * value.centre:.1f}', ', '.join(small)


def _draw_box(
  axes: Axes,
  left: float,
  top: float,
  value: Optional[Spread],
  colours: ScalarMappable,
  counts: list[int],
) -> list[Text]:
  is_known = value is not None and not math.isnan(value.centre)
  colour = colours.to_rgba(value.centre) if is_known else _NO_VALUE
  large, small = _texts(value, counts)
  axes.add_patch(
    Rectangle((left + 0.02, top + 0.04), 0.96, 0.92, color=colour, lw=0)
  )
  return [
    axes.text(
      left + 0.5, top + height, text, ha='center', va='center',
      color=style.text_colour_on(colour), fontsize=factor * style.page().font,
    )
    for text, height, factor in (
      (large, 0.36 if small else 0.5, 1.0), (small, 0.74, 0.8),
    )
    if text
  ]  # fmt: skip


def _fit(
  figure: Figure, axes: Axes, texts: Sequence[list[Text]], columns: float
) -> None:
  """Makes letters smaller, alike in all boxes, until they fit into them."""
  figure.draw_without_rendering()
  room = 0.94 * axes.get_window_extent().width / columns
  for line in itertools.zip_longest(*texts):
    found = [text for text in line if text is not None]
    widest = max(text.get_window_extent().width for text in found)
    for text in found:
      text.set_fontsize(text.get_fontsize() * min(1.0, room / widest))


def _name_axes(
  axes: Axes, shown: Layout, left: np.ndarray, top: np.ndarray
) -> None:
  names = [name.replace(', ', ',\n') for name in shown.columns]
  room = style.letters((1 - _LABELS - _BAR) / len(names))
  longest = max(len(line) for name in names for line in name.splitlines())
  turned = {} if longest <= room else {'rotation': 90}
  names = shown.columns if turned else names
  axes.set_xticks(left + 0.5, names, **turned)
  wrap = style.letters(0.36)
  axes.set_yticks(top + 0.5, [textwrap.fill(name, wrap) for name in shown.rows])
  axes.xaxis.tick_top()
  axes.tick_params(length=0)
  axes.grid(visible=False)
  for spine in axes.spines.values():
    spine.set_visible(False)
