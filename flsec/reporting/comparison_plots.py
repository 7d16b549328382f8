"""Pictures of many runs side by side."""

import math
import textwrap
from collections.abc import Sequence
from typing import Optional

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from flsec.experiment import summary as summary_lib
from flsec.experiment.metric_rows import ROUND
from flsec.reporting import places as places_lib
from flsec.reporting import style
from flsec.reporting.cell import Cell
from flsec.reporting.comparison import Comparison, comparisons
from flsec.reporting.plots import Picture
from flsec.reporting.run_tables import over_seeds

_LINES = len(style.CYCLE) * len(style.LINE_STYLES)
# Letters that fit: beside a map, in a legend, across a picture.
_ROW_LETTERS, _LEGEND_LETTERS, _PICTURE_LETTERS = 46, 50, 112
_MAP_CAPTION = (
  'Yellow is good for the defender in every map. The worst case of a whole row '
  'stands apart.'
)
_CURVES = (
  'Median over seeds. The vertical line marks where the attack begins. The '
  'first rounds may lie below the picture.'
)
_MAP_NAMES = {True: 'viridis', False: 'viridis_r'}


def pictures(cells: Sequence[Cell]) -> list[Picture]:
  """Returns the heat maps of finished runs and the curves of all."""
  found = []
  with style.context():
    for i, comparison in enumerate(comparisons(cells)):
      if comparison.is_grid:
        png = style.to_png(draw_heat_map(comparison))
        title = _title(comparison)
        found.append(Picture(f'map_{i}', title, _MAP_CAPTION, True, png))
    figure = draw_curves(cells)
    if figure is not None:
      png = style.to_png(figure)
      words = _CURVES + _left_out(cells)
      found.append(Picture('curves', 'Test accuracy', words, True, png))
  return found


def _title(comparison: Comparison) -> str:
  measure, moment = comparison.measure, comparison.moment
  return f'{measure.title}, {moment.title}{over_seeds([comparison])}'


def draw_heat_map(comparison: Comparison) -> Figure:
  """Draws defences against threats, the worst case apart."""
  shown = comparison.laid_out()
  values = np.array(
    [[v.centre if v else math.nan for v in row] for row in shown.values]
  )  # [rows, columns], the worst case last in one of them
  rows, columns = values.shape
  figure, (axes,) = style.figure(1.0 + 0.42 * rows)
  good = comparison.measure.is_higher_better
  left, top = np.arange(columns, dtype=float), np.arange(rows, dtype=float)
  # The worst case stands a quarter of a box apart.
  (top if shown.is_tall else left)[-1] += 0.25 * shown.has_worst
  for i in range(rows):
    for j in range(columns):
      _draw_box(
        axes, left[j], top[i], values[i, j], _MAP_NAMES[good], _span(values)
      )
  axes.set_xlim(0, left[-1] + 1)
  axes.set_ylim(top[-1] + 1, 0)
  axes.set_xticks(left + 0.5, [_wrap(name) for name in shown.columns])
  axes.set_yticks(
    top + 0.5, [textwrap.fill(name, _ROW_LETTERS) for name in shown.rows]
  )
  axes.xaxis.tick_top()
  axes.tick_params(length=0)
  axes.grid(visible=False)
  for spine in axes.spines.values():
    spine.set_visible(False)
  return figure


def draw_curves(cells: Sequence[Cell]) -> Optional[Figure]:
  """Draws accuracy over the rounds.

  A panel a threat and a line a defence, or the other way round where there are
  more threats.
  """
  places, titles, names = _panels_and_lines(cells)
  names = names[:_LINES]
  groups = {
    place: [c for c, p in zip(cells, places) if p == place]
    for place in dict.fromkeys(places)
  }
  if not any(cell.series(summary_lib.ACCURACY)[0] for cell in cells):
    return None
  columns = 2 if len(titles) == 4 else min(3, len(titles))
  rows = math.ceil(len(titles) / columns)
  labels = [textwrap.fill(name, _LEGEND_LETTERS) for name in names]
  legend_columns, legend_lines = _legend_size(labels)
  figure, axes = style.figure(
    0.8 + 2.0 * rows + 0.14 * legend_lines,
    rows,
    columns,
    share_x=True,
    share_y=True,
  )
  for panel, title in zip(axes, titles):
    panel.set_title(textwrap.fill(title, _ROW_LETTERS * 2 // columns))
    _draw_lines(
      panel, labels, [groups.get((title, name), []) for name in names]
    )
  for unused in axes[len(titles) :]:
    unused.set_visible(False)
  last = max(cell.rounds for cell in cells)
  for i, panel in enumerate(axes):
    is_lowest = i + columns >= len(titles)
    style.round_axis(panel, last, label=is_lowest, ticks=7)
    panel.xaxis.set_tick_params(labelbottom=is_lowest)
  series = [cell.series(summary_lib.ACCURACY) for cell in cells]
  shown = [v for pair in series for v in style.after_warm_up(*pair)]
  style.share_axis(axes[0], shown)
  _legend_below(figure, axes[0], legend_columns)
  return figure


def _panels_and_lines(
  cells: Sequence[Cell],
) -> tuple[list[tuple[str, str]], list[str], list[str]]:
  """Returns (panel, line) of each run, then all panels and all lines."""
  places = [(p.threat, p.defence) for p in places_lib.places(cells)]
  if len({t for t, _ in places}) > len({d for _, d in places}):
    places = [(defence, threat) for threat, defence in places]
  titles, names = (places_lib.in_order(words) for words in zip(*places))
  return places, titles, names


def _left_out(cells: Sequence[Cell]) -> str:
  """Says which lines there are no colours and styles for."""
  names = _panels_and_lines(cells)[2][_LINES:]
  return f' Not drawn: {"; ".join(names)}.' if names else ''


def _legend_size(labels: Sequence[str]) -> tuple[int, int]:
  """Returns the columns of a legend of such labels, and its lines of text."""
  lines = [label.splitlines() or [''] for label in labels]
  longest = max(len(line) for label in lines for line in label)
  columns = max(1, min(5, _PICTURE_LETTERS // (longest + 6)))
  # Matplotlib fills a legend column by column.
  tall = math.ceil(len(labels) / columns)
  heights = [
    sum(len(label) for label in lines[start : start + tall])
    for start in range(0, len(lines), tall)
  ]
  return columns, max(heights)


def _legend_below(figure: Figure, axes: Axes, columns: int) -> None:
  handles, labels = axes.get_legend_handles_labels()
  if any(labels):
    figure.legend(handles, labels, loc='outside lower center', ncols=columns)


def _draw_lines(
  axes: Axes, labels: Sequence[str], groups: Sequence[Sequence[Cell]]
) -> None:
  for i, (label, cells) in enumerate(zip(labels, groups)):
    series: dict[int, list[float]] = {}
    for cell in cells:
      for number, value in zip(*cell.series(summary_lib.ACCURACY)):
        series.setdefault(number, []).append(value)
    rounds = sorted(series)
    axes.plot(
      rounds, [np.median(series[n]) for n in rounds], lw=1.5, label=label,
      color=style.CYCLE[i % len(style.CYCLE)],
      ls=style.LINE_STYLES[i // len(style.CYCLE) % len(style.LINE_STYLES)],
    )  # fmt: skip
    starts = [cell.attacked[0][ROUND] for cell in cells if cell.attacked]
    for start in set(starts):
      axes.axvline(start - 0.5, color=style.VERMILION, lw=0.8, zorder=0)


def _span(values: np.ndarray) -> tuple[float, float]:
  """Returns the range of colours: of the values, at least ten points wide."""
  low, high = np.nanmin(values), np.nanmax(values)
  return (low, high) if high - low > 0.1 else (high - 0.1, high)


def _draw_box(
  axes: Axes,
  left: float,
  top: float,
  value: float,
  map_name: str,
  span: tuple[float, float],
) -> None:
  if math.isnan(value):
    colour, text = (0.95, 0.95, 0.96, 1.0), '-'
  else:
    place = (value - span[0]) / (span[1] - span[0])
    colour, text = matplotlib.colormaps[map_name](place), f'{value:.1%}'
  axes.add_patch(
    Rectangle((left + 0.02, top + 0.04), 0.96, 0.92, color=colour, lw=0)
  )
  axes.text(
    left + 0.5, top + 0.5, text, ha='center', va='center',
    color=style.text_colour_on(colour),
  )  # fmt: skip


def _wrap(label: str) -> str:
  """Breaks a long label where its settings part."""
  return label.replace(', ', ',\n') or 'all'
