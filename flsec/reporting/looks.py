"""How lines are told apart: by colour, and in grey by marker and dashes."""

import dataclasses
from collections.abc import Sequence
from typing import Optional

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from flsec.reporting import style

_DASHES = ('-', '--', '-.', ':')
_MARKERS = ('o', 's', '^', 'D', 'v', 'P', 'X')
_COLOURS = style.CYCLE[: len(_MARKERS)]
# Four dashes and seven markers have no common divisor.
LOOKS = len(_DASHES) * len(_MARKERS)
_MARKERS_AN_INCH = 3.5
_BAND = 0.16  # How opaque.


@dataclasses.dataclass(frozen=True)
class Look:
  """What one line looks like.

  Attributes:
    colour: of line, markers and band.
    dashes: of the line.
    marker: at some of its points.
  """

  colour: str
  dashes: str = '-'
  marker: str = 'o'


def look(index: int) -> Look:
  """Returns the look of a picture's i-th line, different for all `LOOKS`."""
  i = index % LOOKS
  return Look(
    _COLOURS[i % len(_COLOURS)],
    _DASHES[i % len(_DASHES)],
    _MARKERS[i % len(_MARKERS)],
  )


def draw_line(
  axes: Axes,
  x: Sequence[float],
  y: Sequence[float],
  looks: Look,
  label: str,
  *,
  low: Optional[Sequence[float]] = None,
  high: Optional[Sequence[float]] = None,
  offset: int = 0,
) -> Line2D:
  """Draws a line with a few markers, which no edge of the axes cuts.

  Call it when the range of y is set: a point outside of it has no marker.

  Args:
    axes: where.
    x: rising.
    y: as long; NaN leaves a gap.
    looks: of the line.
    label: what it stands for.
    low: lower border of a band around the line; None: there is none.
    high: its upper border.
    offset: which point has the first marker, so that those of lines which lie
      upon one another do not.

  Returns:
    What stands for it in a legend.
  """
  x, y = np.asarray(x, float), np.asarray(y, float)
  axes.plot(x, y, looks.dashes, color=looks.colour, label=label)
  if low is not None and high is not None and not np.array_equal(low, high):
    axes.fill_between(
      x, low, high, color=looks.colour, alpha=_BAND, lw=0, zorder=1
    )
  inches = axes.get_position().width * axes.figure.get_figwidth()
  step = max(1, round(len(x) / (_MARKERS_AN_INCH * inches)))
  bottom, top = axes.get_ylim()
  is_marked = np.zeros(len(x), bool)
  is_marked[offset % step :: step] = True
  is_marked &= (y >= bottom) & (y <= top)
  axes.plot(
    x[is_marked], y[is_marked], ls='', marker=looks.marker,
    color=looks.colour, markeredgecolor='white', markeredgewidth=0.4,
    clip_on=False, zorder=3,
  )  # fmt: skip
  return handle(looks, label)


def handle(looks: Look, label: str) -> Line2D:
  """Returns what stands for a line in a legend."""
  return Line2D(
    [], [], color=looks.colour, ls=looks.dashes, marker=looks.marker,
    markeredgecolor='white', markeredgewidth=0.4, label=label,
  )  # fmt: skip
