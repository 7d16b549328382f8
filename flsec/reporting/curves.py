"""A measure over the rounds, a line a defence and a panel a threat."""

import itertools
import statistics
from collections.abc import Mapping, Sequence
from typing import Optional

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flsec.experiment import summary
from flsec.experiment.metric_rows import ROUND
from flsec.reporting import looks, panels, places, style
from flsec.reporting.cell import Cell
from flsec.reporting.measure import Measure
from flsec.reporting.spread import MEDIAN, in_words, spread

Group = dict[tuple[str, str], list[Cell]]


def draw(
  cells: Sequence[Cell],
  measure: Measure,
  kind: str = MEDIAN,
  against_volume: bool = False,
) -> Optional[Figure]:
  """Draws a measure over the rounds, with a band where there are seeds.

  A panel a threat and a line a defence, or the other way round where there are
  more threats.

  Args:
    cells: runs, finished or not.
    measure: what is drawn.
    kind: how seeds are put together.
    against_volume: draw it over what a client has sent and received until then,
      in the median of the seeds, and only runs that measured it.
  """
  if against_volume:
    cells = [cell for cell in cells if cell.series(summary.VOLUME)[0]]
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
        x = _volumes(group) if against_volume else None
        handles[name] = _draw_line(panel, group, measure, kind, i, name, x)
        if not against_volume:
          _mark_attack(panel, group)
  last = max(cell.rounds for cell in cells)
  lowest = panels.lowest(axes)
  for panel in axes:
    if not against_volume:
      style.round_axis(panel, last, label=panel in lowest, ticks=7)
    elif panel in lowest:
      panel.set_xlabel('MiB a client')
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
  x: Optional[Mapping[int, float]] = None,
) -> Artist:
  """Draws the line of some seeds; at `x[round]`, or at the round itself."""
  series: dict[int, list[float]] = {}
  for cell in cells:
    for number, value in zip(*cell.series(measure.metric)):
      series.setdefault(number, []).append(value)
  rounds = sorted(r for r in series if x is None or r in x)
  spreads = [spread(series[number], kind) for number in rounds]
  return looks.draw_line(
    axes,
    [x[number] if x else number for number in rounds],
    [one.centre for one in spreads],
    looks.look(index),
    name,
    low=[one.low for one in spreads],
    high=[one.high for one in spreads],
    offset=index,
  )


def _volumes(cells: Sequence[Cell]) -> dict[int, float]:
  """Returns by round the MiB of a client up to then, the median over seeds."""
  found: dict[int, list[float]] = {}
  for cell in cells:
    rounds, volumes = cell.series(summary.VOLUME)
    for number, total in zip(rounds, itertools.accumulate(volumes)):
      found.setdefault(number, []).append(total)
  return {number: statistics.median(v) for number, v in found.items()}


def _mark_attack(axes: Axes, cells: Sequence[Cell]) -> None:
  starts = {cell.attacked[0][ROUND] for cell in cells if cell.attacked}
  for start in starts:
    axes.axvline(start - 0.5, color=style.VERMILION, lw=0.8, zorder=0)
