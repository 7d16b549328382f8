"""Pictures of phases: what they tried, and which channels clients voted for."""

import functools
import math
from collections.abc import Sequence
from typing import Optional

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from flsec.reporting import looks, panels, places, style
from flsec.reporting.cell import Cell, Votes
from flsec.reporting.looks import Look
from flsec.reporting.measure import ACCURACY, MEASURES, Measure
from flsec.reporting.measure_looks import ACCURACY_LOOK, RATE_LOOKS
from flsec.reporting.picture import Picture
from flsec.reporting.searches import SCORE, Search, places_of, searches

_SCORE_LOOK = Look(style.SKY, '--', 'v')
_MOST_NAMES = 40  # Clients whose numbers fit beside a map.


def pictures(cell: Cell) -> list[Picture]:
  """Returns the pictures of a run's phases."""
  found = [
    Picture(
      f'search_{one.phase.replace(" ", "_")}',
      f'{one.phase}: accuracy and attack against {one.axis}',
      'The candidates of the search, on the whole test set; dashed, what the '
      'server sees of them; control, without the trigger. The vertical line is '
      'what was kept.',
      False,
      functools.partial(draw_search, one),
    )
    for one in searches(cell)
  ]
  found += [
    Picture(
      f'votes_{one.phase}',
      f'Votes for channels of {one.layer}',
      'Clients from top to bottom, channels from left to right in the order of '
      f'the vote. {_READING[one.kind]} Channels left of the line are removed; '
      'triangles are malicious clients, crosses answers that did not count.',
      True,
      functools.partial(draw_votes, one),
    )
    for one in cell.votes
  ]
  return found


_READING = {
  'ranks': 'Dark: the client ranks the channel among its least active.',
  'bits': 'Dark: the client would prune the channel.',
}


def sweep_pictures(cells: Sequence[Cell]) -> list[Picture]:
  """Returns what the phases of several runs tried, a line a run."""
  found = [(cell, one) for cell in cells for one in searches(cell)]
  phases = dict.fromkeys(one.phase for _, one in found)
  drawn = []
  for phase in phases:
    own = [(cell, one) for cell, one in found if one.phase == phase]
    if len(own) < 2:  # The run's own report has it.
      continue
    for measure in MEASURES:
      drawn.append(
        Picture(
          f'search_{phase.replace(" ", "_")}_{measure.name}',
          f'{phase}: {measure.title.lower()} against {own[0][1].axis}',
          'The candidates of the search, on the whole test set. A larger mark '
          'is what was kept.',
          True,
          functools.partial(draw_sweep, own, measure),
        )
      )
  return drawn


def draw_search(search: Search) -> Figure:
  """Draws accuracy and the attack's rates of a search's candidates."""
  figure, (axes,) = style.figure(2.6, is_wide=False)
  style.share_axis(axes, [0.0, 1.0])
  lines = [
    ('accuracy', ACCURACY.metric, ACCURACY_LOOK),
    ('seen by the server', SCORE, _SCORE_LOOK),
    *(
      (one.name.replace('_', ' '), one.metric, look) for one, look in RATE_LOOKS
    ),
  ]
  handles: list[Artist] = []
  for label, metric, look in lines:
    x, y = search.series(metric)
    if x:
      handles.append(looks.draw_line(axes, _at(search, x), y, look, label))
  if search.kept is not None:
    (kept,) = _at(search, [search.kept])
    axes.axvline(kept, color=style.GREEN, lw=1.2, zorder=1)
  _name_axis(axes, [search])
  style.legend_above(axes, handles, columns=2)
  return figure


def draw_sweep(
  found: Sequence[tuple[Cell, Search]], measure: Measure
) -> Optional[Figure]:
  """Draws one measure of several runs' candidates."""
  shown = [(cell, one) for cell, one in found if one.series(measure.metric)[0]][
    : looks.LOOKS
  ]
  if not shown:
    return None
  figure, (axes,) = style.figure(3.2)
  values = [v for _, one in shown for v in one.series(measure.metric)[1]]
  style.share_axis(axes, [v for v in values if math.isfinite(v)])
  handles: list[Artist] = []
  for i, (name, (_, one)) in enumerate(zip(_names(shown), shown)):
    x, y = one.series(measure.metric)
    look = looks.look(i)
    handles.append(looks.draw_line(axes, _at(one, x), y, look, name, offset=i))
    if one.kept in x:
      place = x.index(one.kept)
      axes.plot(
        _at(one, [one.kept]), [y[place]], ls='', marker=look.marker, ms=8,
        color=look.colour, markeredgecolor='white', zorder=4,
      )  # fmt: skip
  _name_axis(axes, [one for _, one in shown])
  panels.legend_below(figure, handles)
  return figure


def _names(found: Sequence[tuple[Cell, Search]]) -> list[str]:
  cells = [cell for cell, _ in found]
  seeds = {cell.config.get('seed') for cell in cells}
  names = []
  for cell, place in zip(cells, places.places(cells)):
    parts = [place.threat, place.defence]
    if len(seeds) > 1:
      parts.append(f'seed {cell.config.get("seed")}')
    names.append(', '.join(filter(None, parts)) or cell.path.name)
  return names


def _at(search: Search, tried: Sequence[float]) -> list[float]:
  """Returns where candidates stand on the axis."""
  known = dict(zip(search.tried, places_of(search.tried)))
  return [known[value] for value in tried]


def _name_axis(axes: Axes, drawn: Sequence[Search]) -> None:
  axes.set_xlabel(drawn[0].axis)
  if drawn[0].axis != 'Delta':
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return
  # Ever more is adjusted from left to right, as of channels.
  axes.invert_xaxis()
  pairs = {
    place: value
    for one in drawn
    for value, place in zip(one.tried, places_of(one.tried))
  }
  whole = [p for p, v in pairs.items() if v.is_integer()]
  open_ends = [p for p, v in pairs.items() if math.isinf(v)]
  axes.xaxis.set_major_locator(FixedLocator([*open_ends, *whole]))
  axes.set_xticklabels(
    ['none'] * len(open_ends) + [f'{pairs[p]:g}' for p in whole]
  )


def draw_votes(votes: Votes) -> Figure:
  """Draws which channels each client finds dormant."""
  order = votes.order
  clients, channels = votes.reports.shape
  shown = votes.reports[:, order]
  figure, (axes,) = style.figure(min(1.2 + 0.16 * clients, 6.0))
  is_bits = votes.kind == 'bits'
  mesh = axes.pcolormesh(
    np.arange(channels + 1), np.arange(clients + 1), shown,
    cmap=ListedColormap([style.BLACK, style.RULE]) if is_bits else 'viridis',
    vmin=0 if is_bits else 1, vmax=1 if is_bits else channels,
  )  # fmt: skip
  axes.invert_yaxis()
  axes.grid(visible=False)
  axes.set_xlabel('channels, in the order of the vote')
  axes.set_ylabel('client')
  step = math.ceil(clients / _MOST_NAMES)
  axes.set_yticks(
    np.arange(0, clients, step) + 0.5, [str(i) for i in votes.client_id[::step]]
  )
  axes.axvline(len(votes.removed), color=style.VERMILION, lw=1.5)
  handles = _mark(axes, votes.is_malicious, '<', 'malicious', 1.01)
  handles += _mark(axes, ~votes.is_valid, 'x', 'not counted', 1.03)
  style.legend_above(axes, handles)
  if not is_bits:
    bar = figure.colorbar(mesh, ax=axes, pad=0.05, label='rank')
    bar.outline.set_visible(False)
  return figure


def _mark(
  axes: Axes, is_marked: np.ndarray, marker: str, label: str, place: float
) -> list[Artist]:
  rows = np.flatnonzero(is_marked)
  if not len(rows):
    return []
  return axes.plot(
    np.full(len(rows), place), rows + 0.5, ls='', marker=marker, ms=4,
    color=style.VERMILION, transform=axes.get_yaxis_transform(),
    clip_on=False, label=label,
  )  # fmt: skip
