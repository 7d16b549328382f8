"""A measure over the rounds, a line a defence and a panel a threat."""

from collections.abc import Sequence
from typing import Optional

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flsec.experiment.metric_rows import ROUND
from flsec.reporting import looks, panels, places, style
from flsec.reporting.cell import Cell
from flsec.reporting.measure import Measure
from flsec.reporting.spread import MEDIAN, in_words, spread

Group = dict[tuple[str, str], list[Cell]]


def draw(
  cells: Sequence[Cell], measure: Measure, kind: str = MEDIAN
) -> Optional[Figure]:
  """Draws a measure over the rounds, with a band where there are seeds.

  A panel a threat and a line a defence, or the other way round where there are
  more threats.

  Args:
    cells: runs, finished or not.
    measure: what is drawn.
    kind: how seeds are put together.
  """
  groups, titles, names = _groups(cells, measure)
  names = names[: looks.LOOKS]
  if not groups:
    return None
  figure, axes = panels.panels(titles, names)
  # One call suffices: the panels share their axes.
  style.share_axis(axes[0], _values(cells, measure))
  handles: dict[str, Artist] = {}
  for panel, title in zip(axes, titles):
    for i, name in enumerate(names):
      if (title, name) in groups:
        group = groups[title, name]
        handles[name] = _draw_line(panel, group, measure, kind, i, name)
        _mark_attack(panel, group)
  last = max(cell.rounds for cell in cells)
  lowest = panels.lowest(axes)
  for panel in axes:
    style.round_axis(panel, last, label=panel in lowest, ticks=7)
  panels.legend_below(figure, [handles[name] for name in names])
  return figure


def caption(cells: Sequence[Cell], measure: Measure, kind: str = MEDIAN) -> str:
  """Says how to read the picture."""
  groups, _, names = _groups(cells, measure)
  most = max([1, *map(len, groups.values())])
  words = ''
  if most > 1:
    words += f'Line and band: {in_words(kind)} of up to {most} seeds. '
  words += 'The vertical line marks where the attack begins.'
  left_out = names[looks.LOOKS :]
  return f'{words} Not drawn: {"; ".join(left_out)}.' if left_out else words


def _groups(
  cells: Sequence[Cell], measure: Measure
) -> tuple[Group, list[str], list[str]]:
  """Returns the runs of each (panel, line), then all panels and all lines.

  Runs that did not measure it have neither.
  """
  pairs = [(p.threat, p.defence) for p in places.places(cells)]
  found = [
    (cell, pair)
    for cell, pair in zip(cells, pairs)
    if cell.series(measure.metric)[0]
  ]
  threats = {threat for _, (threat, _) in found}
  if len(threats) > len({defence for _, (_, defence) in found}):
    found = [(cell, pair[::-1]) for cell, pair in found]
  groups: Group = {}
  for cell, pair in found:
    groups.setdefault(pair, []).append(cell)
  titles = places.in_order([title for title, _ in groups])
  return groups, titles, places.in_order([name for _, name in groups])


def _values(cells: Sequence[Cell], measure: Measure) -> list[float]:
  series = [cell.series(measure.metric) for cell in cells]
  return [v for pair in series for v in style.after_warm_up(*pair)]


def _draw_line(
  axes: Axes,
  cells: Sequence[Cell],
  measure: Measure,
  kind: str,
  index: int,
  name: str,
) -> Artist:
  series: dict[int, list[float]] = {}
  for cell in cells:
    for number, value in zip(*cell.series(measure.metric)):
      series.setdefault(number, []).append(value)
  rounds = sorted(series)
  spreads = [spread(series[number], kind) for number in rounds]
  return looks.draw_line(
    axes,
    rounds,
    [one.centre for one in spreads],
    looks.look(index),
    name,
    low=[one.low for one in spreads],
    high=[one.high for one in spreads],
    offset=index,
  )


def _mark_attack(axes: Axes, cells: Sequence[Cell]) -> None:
  starts = {cell.attacked[0][ROUND] for cell in cells if cell.attacked}
  for start in starts:
    axes.axvline(start - 0.5, color=style.VERMILION, lw=0.8, zorder=0)
