"""A picture of several panels with one legend below them."""

import math
import textwrap
from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flsec.reporting import style

_PANEL_INCHES = 1.6  # A narrower one is hard to read.
_MOST_COLUMNS = 3
_LEGEND_MARK = 6  # Letters that a line's sample takes.


def panels(
  titles: Sequence[str], legend: Sequence[str]
) -> tuple[Figure, list[Axes]]:
  """Returns a picture with a panel a title and room for a legend.

  Args:
    titles: of the panels.
    legend: what will stand in the legend.
  """
  columns = num_columns(len(titles))
  height = min(2.0, max(1.4, 0.75 * style.page().width / columns))
  rows = math.ceil(len(titles) / columns)
  room = style.letters(1 / columns)
  wrapped = [textwrap.fill(title, room) for title in titles]
  tall = max(title.count('\n') for title in wrapped)
  _, lines = _legend_size(legend)
  figure, axes = style.figure(
    0.5 + (height + 0.14 * tall) * rows + 0.16 * lines,
    rows,
    columns,
    share_x=True,
    share_y=True,
  )
  for panel, title in zip(axes, wrapped):
    panel.set_title(title)
  for unused in axes[len(titles) :]:
    unused.set_visible(False)
  for i, panel in enumerate(axes[: len(titles)]):
    is_lowest = i + columns >= len(titles)
    panel.xaxis.set_tick_params(labelbottom=is_lowest)
  return figure, axes[: len(titles)]


def num_columns(count: int) -> int:
  """Returns how many panels of `count` stand side by side."""
  fitting = max(1, int(style.page().width / _PANEL_INCHES))
  columns = min(_MOST_COLUMNS, fitting, count)
  return 2 if count == 4 and columns == _MOST_COLUMNS else columns


def lowest(axes: Sequence[Axes]) -> list[Axes]:
  """Returns the panels that have no other below them."""
  return list(axes[-num_columns(len(axes)) :])


def legend_below(figure: Figure, handles: Sequence[Artist]) -> None:
  """Puts the legend below the panels; none for a single line without a name."""
  labels = [str(one.get_label()) for one in handles]
  if not any(labels):
    return
  columns, _ = _legend_size(labels)
  for one, label in zip(handles, labels):
    one.set_label(_wrap(label))
  figure.legend(
    handles=list(handles), loc='outside lower center', ncols=columns
  )


def _wrap(label: str) -> str:
  return textwrap.fill(label, max(20, style.letters(0.45)))


def _legend_size(labels: Sequence[str]) -> tuple[int, int]:
  """Returns the columns of a legend of such labels, and its lines of text."""
  lines = [_wrap(label).splitlines() or [''] for label in labels]
  if not lines:
    return 1, 0
  longest = max(len(line) for label in lines for line in label)
  columns = max(1, min(5, style.letters() // (longest + _LEGEND_MARK)))
  # Matplotlib fills a legend column by column.
  tall = math.ceil(len(labels) / columns)
  heights = [
    sum(len(label) for label in lines[start : start + tall])
    for start in range(0, len(lines), tall)
  ]
  return columns, max(heights)
