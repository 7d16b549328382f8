"""How pictures look: colours that colour-blind readers can tell apart."""

import io
import math
from collections.abc import Sequence
from typing import Any, Optional

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

# Okabe and Ito, "Color universal design", 2008. Blue is honest, vermilion is
# the attacker, everywhere.
BLUE = '#0072B2'
VERMILION = '#D55E00'
GREEN = '#009E73'
PURPLE = '#CC79A7'
ORANGE = '#E69F00'
SKY = '#56B4E9'
BLACK = '#222222'
GREY = '#8A8F98'
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, BLACK)
LINE_STYLES = ('-', '--', '-.', ':')
INK = '#1F2430'
MUTED = '#5B6270'
RULE = '#E3E6EB'
# Inches. The report shows a picture as wide as the page, or half as wide.
WIDTH = 7.6
HALF_WIDTH = 4.3
_DOTS_PER_INCH = 144

_SETTINGS = {
  'font.family': 'sans-serif',
  'font.sans-serif': ['DejaVu Sans'],
  'font.size': 9,
  'text.color': INK,
  'axes.edgecolor': '#B9BEC8',
  'axes.labelcolor': MUTED,
  'axes.linewidth': 0.8,
  'axes.spines.top': False,
  'axes.spines.right': False,
  'axes.grid': True,
  'axes.axisbelow': True,
  'axes.titlesize': 9.5,
  'axes.titlelocation': 'left',
  'axes.titleweight': 'bold',
  'grid.color': RULE,
  'grid.linewidth': 0.7,
  'legend.frameon': False,
  'legend.fontsize': 8.5,
  'lines.linewidth': 1.8,
  'lines.solid_capstyle': 'round',
  'xtick.color': MUTED,
  'ytick.color': MUTED,
  'xtick.labelsize': 8.5,
  'ytick.labelsize': 8.5,
}


def context() -> Any:
  """Returns the context in which pictures are drawn in this style."""
  return rc_context(_SETTINGS)


def figure(
  height: float,
  rows: int = 1,
  columns: int = 1,
  *,
  width: float = WIDTH,
  share_x: bool = False,
  share_y: bool = False,
  height_ratios: Optional[Sequence[float]] = None,
) -> tuple[Figure, list[Axes]]:
  """Returns an empty picture and its axes, without touching pyplot's state.

  Args:
    height: inches.
    rows: of axes.
    columns: of axes.
    width: inches.
    share_x: whether all axes have one range of x.
    share_y: whether all axes have one range of y.
    height_ratios: of the rows.
  """
  made = Figure(figsize=(width, height), layout='constrained')
  FigureCanvasAgg(made)
  axes = made.subplots(
    rows,
    columns,
    squeeze=False,
    sharex=share_x,
    sharey=share_y,
    height_ratios=height_ratios,
  )
  return made, list(axes.flat)


def to_png(made: Figure) -> bytes:
  """Returns a picture as the bytes of a PNG file."""
  buffer = io.BytesIO()
  made.savefig(
    buffer, format='png', dpi=_DOTS_PER_INCH, metadata={'Software': None}
  )
  return buffer.getvalue()


def round_axis(
  axes: Axes, last_round: int, label: bool = True, ticks: int = 12
) -> None:
  """Makes the x axis one of rounds."""
  axes.set_xlim(0.5, max(last_round, 1) + 0.5)
  axes.xaxis.set_major_locator(
    MaxNLocator(nbins=ticks, integer=True, min_n_ticks=1)
  )
  if label:
    axes.set_xlabel('round')


def share_axis(axes: Axes, values: Sequence[float]) -> None:
  """Makes the y axis one of percent, close around the values."""
  low, high = min(values, default=0.0), max(values, default=1.0)
  margin = max(0.06 * (high - low), 0.005)
  axes.set_ylim(max(low - margin, -0.02), min(high + margin, 1.02))
  # Steps of 2.5 would need a decimal that the labels do not have.
  axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
  decimals = 0 if high - low > 0.06 else 1
  axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=decimals))


def legend_above(axes: Axes, columns: int = 6) -> None:
  """Puts the legend above the axes, right, where it hides no line."""
  handles, labels = axes.get_legend_handles_labels()
  if handles:
    axes.legend(
      handles,
      labels,
      loc='lower right',
      bbox_to_anchor=(1.0, 1.0),
      ncols=min(columns, len(labels)),
      borderaxespad=0.1,
      handlelength=1.8,
      columnspacing=1.2,
    )


def after_warm_up(
  rounds: Sequence[int], values: Sequence[float]
) -> list[float]:
  """Returns the finite values that a range of y has to show.

  The first tenth of the rounds is left out: a model that begins at chance would
  flatten everything that happens later.
  """
  first = max(rounds, default=0) // 10
  return [v for n, v in zip(rounds, values) if n > first and math.isfinite(v)]


def text_colour_on(rgba: Sequence[float]) -> str:
  """Returns black or white, whichever is read better on a colour."""
  red, green, blue = rgba[:3]
  luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
  return '#FFFFFF' if luminance < 0.5 else INK
