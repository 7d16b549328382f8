"""A measure against a setting that is a number: f, heterogeneity, ..."""

from collections.abc import Sequence
from typing import Optional

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from flsec.reporting import looks, panels, places, style
from flsec.reporting.cell import Cell
from flsec.reporting.measure import Measure, Moment
from flsec.reporting.places import Place
from flsec.reporting.spread import MEDIAN, Spread, spread

_NUM_MALICIOUS = 'attack.num_byzantine'
# What readers call a setting.
_TITLES = {
  _NUM_MALICIOUS: 'malicious clients f',
  'dataset.partition.alpha': 'Dirichlet alpha (small: clients differ)',
  'dataset.partition.degree': 'degree of imbalance',
  'dataset.partition.num_labels': 'labels a client',
}
_NO_ATTACK = 'no attack'
_LOGARITHMIC = 20  # From this ratio of the greatest to the least on.

Point = tuple[float, Spread]


def settings(cells: Sequence[Cell]) -> list[str]:
  """Returns the settings that a measure may be drawn against."""
  return list(places.numeric([cell for cell in cells if cell.is_done]))


def title(path: str) -> str:
  """Returns what a reader calls a setting."""
  return _TITLES.get(path, path)


def draw(
  cells: Sequence[Cell],
  path: str,
  measure: Measure,
  moment: Moment,
  kind: str = MEDIAN,
) -> Optional[Figure]:
  """Draws a measure of finished runs against a setting.

  A panel a threat and a line a defence; bars where there are several seeds.

  Args:
    cells: runs; unfinished ones are left out.
    path: the setting, such as `attack.num_byzantine`.
    measure: what is drawn.
    moment: in which rounds.
    kind: how seeds are put together.

  Returns:
    The picture; None where no line would have two points.
  """
  lines = _lines(cells, path, measure, moment, kind)
  if not lines:
    return None
  titles = places.in_order([place.threat for place in lines])
  names = places.in_order([place.defence for place in lines])
  names = names[: looks.LOOKS]
  figure, axes = panels.panels(titles, names)
  spreads = [one for points in lines.values() for _, one in points]
  values = [end for one in spreads for end in (one.low, one.high)]
  style.share_axis(axes[0], values)
  handles: dict[str, Artist] = {}
  for panel, threat in zip(axes, titles):
    for i, name in enumerate(names):
      points = lines.get(Place(name, threat))
      if points:
        handles[name] = _draw_points(panel, points, looks.look(i), name)
  x = sorted({x for points in lines.values() for x, _ in points})
  _scale(axes, x)
  for panel in panels.lowest(axes):
    panel.set_xlabel(title(path))
  panels.legend_below(figure, list(handles.values()))
  return figure


def _lines(
  cells: Sequence[Cell],
  path: str,
  measure: Measure,
  moment: Moment,
  kind: str,
) -> dict[Place, list[Point]]:
  """Returns the points of each line, ascending; single points are no line."""
  cells = [cell for cell in cells if cell.is_done]
  numbers = places.numeric(cells).get(path, [])
  where = places.places(cells, ignored=[path])
  found: dict[Place, dict[float, list[float]]] = {}
  threats = dict.fromkeys(place.threat for place in where)
  for cell, number, place in zip(cells, numbers, where):
    value = cell.headline.value(measure, moment)
    if value is None or number is None:
      continue
    # No attack is where each attack's line begins.
    is_common = path == _NUM_MALICIOUS and place.threat == _NO_ATTACK
    for threat in threats if is_common else (place.threat,):
      line = found.setdefault(Place(place.defence, threat), {})
      line.setdefault(number, []).append(value)
  return {
    place: [(x, spread(line[x], kind)) for x in sorted(line)]
    for place, line in found.items()
    if len(line) > 1
  }


def _draw_points(
  axes: Axes, points: Sequence[Point], look: looks.Look, name: str
) -> Artist:
  x = [x for x, _ in points]
  y = [one.centre for _, one in points]
  if any(one.count > 1 for _, one in points):
    below = [one.centre - one.low for _, one in points]
    above = [one.high - one.centre for _, one in points]
    axes.errorbar(
      x, y, [below, above], ls='', color=look.colour, capsize=2.5,
      elinewidth=1.0, clip_on=False, zorder=2,
    )  # fmt: skip
  return looks.draw_line(axes, x, y, look, name)


def _scale(axes: Sequence[Axes], x: Sequence[float]) -> None:
  """Makes a ratio scale of numbers that are far apart, and marks each."""
  if x[0] > 0 and x[-1] / x[0] >= _LOGARITHMIC:
    axes[0].set_xscale('log')
  axes[0].set_xticks(x)
  for panel in axes:
    panel.xaxis.set_major_formatter(ScalarFormatter())
    panel.xaxis.set_minor_formatter(NullFormatter())
