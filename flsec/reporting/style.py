"""How pictures look: colours that colour-blind readers can tell apart."""

import contextlib
import contextvars
import dataclasses
import io
import math
from collections.abc import Iterator, Sequence
from typing import Any, Optional

from matplotlib import rc_context
from matplotlib.artist import Artist
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
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, BLACK, GREY)
INK = '#1F2430'
MUTED = '#5B6270'
RULE = '#E3E6EB'
_DOTS_PER_INCH = 144
_PRINT_DOTS_PER_INCH = 300
_LEAST_RANGE = 0.01  # Of shares.
_USUAL_FONT = 9.0  # Points; heights are given for it.


@dataclasses.dataclass(frozen=True)
class Page:
  """What a picture is made for.

  Attributes:
    width: of a wide picture, in inches.
    half_width: of one that shares the page's width with another, in inches.
    font: size of letters, in points.
    dots_per_inch: of a PNG.
    scale: `full` (shares from 0 to 100 %), `close` (around the values, which
      the axis then says), or None: close where half of the full scale would be
      empty.
  """

  width: float = 7.6
  half_width: float = 4.3
  font: float = _USUAL_FONT
  dots_per_inch: int = _DOTS_PER_INCH
  scale: Optional[str] = None

  @property
  def factor(self) -> float:
    """Size of letters and lines, to those on the screen."""
    return self.font / _USUAL_FONT


SCREEN = Page()
_page = contextvars.ContextVar('page', default=SCREEN)


def print_page(width: float, font: float, scale: Optional[str] = None) -> Page:
  """Returns the page of a paper's column: every picture takes its width.

  Args:
    width: of the column, in inches.
    font: size of letters, in points.
    scale: see `Page`.
  """
  return Page(width, width, font, _PRINT_DOTS_PER_INCH, scale)


def page() -> Page:
  """Returns what pictures are being made for."""
  return _page.get()


def letters(share: float = 1.0) -> int:
  """Returns how many letters fit into a share of the page's width."""
  return max(8, int(share * page().width * 72 / (0.55 * page().font)))


def _settings(made_for: Page) -> dict[str, Any]:
  font, factor = made_for.font, made_for.factor
  return {
    'font.family': 'sans-serif',
    'font.sans-serif': ['DejaVu Sans'],
    'font.size': font,
    # Text in a PDF or SVG is drawn alike everywhere, and may be searched.
    'pdf.fonttype': 42,
    'svg.fonttype': 'path',
    'svg.hashsalt': 'flsec',
    'text.color': INK,
    'axes.edgecolor': '#B9BEC8',
    'axes.labelcolor': MUTED,
    'axes.linewidth': 0.8 * factor,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.grid': True,
    'axes.axisbelow': True,
    'axes.titlesize': font + 0.5,
    'axes.titlelocation': 'left',
    'axes.titleweight': 'bold',
    'grid.color': RULE,
    'grid.linewidth': 0.7 * factor,
    'hatch.linewidth': 0.6 * factor,
    'legend.frameon': False,
    'legend.fontsize': font - 0.5,
    'lines.linewidth': 1.5 * factor,
    'lines.markersize': 4 * factor,
    'lines.solid_capstyle': 'round',
    'xtick.color': MUTED,
    'ytick.color': MUTED,
    'xtick.labelsize': font - 0.5,
    'ytick.labelsize': font - 0.5,
  }


@contextlib.contextmanager
def context(made_for: Page = SCREEN) -> Iterator[None]:
  """Draws what is drawn within it in this style, for a page."""
  token = _page.set(made_for)
  try:
    with rc_context(_settings(made_for)):
      yield
  finally:
    _page.reset(token)


def figure(
  height: float,
  rows: int = 1,
  columns: int = 1,
  *,
  is_wide: bool = True,
  share_x: bool = False,
  share_y: bool = False,
  height_ratios: Optional[Sequence[float]] = None,
) -> tuple[Figure, list[Axes]]:
  """Returns an empty picture and its axes, without touching pyplot's state.

  Args:
    height: inches, for letters of the usual size.
    rows: of axes.
    columns: of axes.
    is_wide: whether it takes the page's whole width.
    share_x: whether all axes have one range of x.
    share_y: whether all axes have one range of y.
    height_ratios: of the rows.
  """
  width = page().width if is_wide else page().half_width
  made = Figure(figsize=(width, height * page().factor), layout='constrained')
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


def render(made: Figure, file_format: str) -> bytes:
  """Returns a picture as the bytes of a PNG, PDF or SVG file.

  The same picture gives the same bytes: no file says when it was made.
  """
  dates = {'png': 'Software', 'pdf': 'CreationDate', 'svg': 'Date'}
  buffer = io.BytesIO()
  made.savefig(
    buffer,
    format=file_format,
    dpi=page().dots_per_inch,
    metadata={dates[file_format]: None},
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
  """Makes the y axis one of per cent: from 0 to 100, or close around values.

  An axis that does not begin at 0 and end at 100 says so beside it.
  """
  low, high = share_range(values)
  margin = max(0.06 * (high - low), 0.005)
  axes.set_ylim(low - margin, high + margin)
  # Steps of 2.5 would need a decimal that the labels do not have.
  axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
  decimals = 0 if high - low > 0.06 else 1
  axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=decimals))
  if (low, high) != (0.0, 1.0):
    ends = [f'{100 * end:.{decimals}f}' for end in (low, high)]
    axes.set_ylabel(f'axis {ends[0]} to {ends[1]} %')


def share_range(values: Sequence[float]) -> tuple[float, float]:
  """Returns from where to where shares are shown: see `Page.scale`."""
  low, high = min(values, default=0.0), max(values, default=1.0)
  scale = page().scale or ('full' if high - low > 0.5 else 'close')
  if scale == 'full':
    return 0.0, 1.0
  spare = max(0.0, _LEAST_RANGE - (high - low)) / 2
  return low - spare, high + spare


def legend_above(
  axes: Axes, handles: Sequence[Artist], columns: int = 6
) -> None:
  """Puts the legend above the axes, right, where it hides no line."""
  labels = [str(one.get_label()) for one in handles]
  if handles:
    longest = max(map(len, labels)) + 5
    room = letters(axes.figure.get_figwidth() / page().width)
    axes.legend(
      handles=list(handles),
      loc='lower right',
      bbox_to_anchor=(1.0, 1.0),
      ncols=max(1, min(columns, room // longest, len(labels))),
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
