"""The pictures of many runs side by side."""

import functools
from collections.abc import Sequence

from flsec.reporting import against, curves, heat_map, phase_plots
from flsec.reporting.cell import Cell
from flsec.reporting.comparison import Comparison, comparisons
from flsec.reporting.measure import MEASURES, Moment
from flsec.reporting.picture import Picture
from flsec.reporting.run_tables import over_seeds
from flsec.reporting.spread import MEDIAN, in_words


def pictures(cells: Sequence[Cell], kind: str = MEDIAN) -> list[Picture]:
  """Returns the pictures of runs, as far as there are numbers for them.

  Args:
    cells: runs; maps and points are of finished ones, curves of all.
    kind: how seeds are put together, `median` or `mean`.
  """
  return [
    *_maps(cells, kind),
    *_curves(cells, kind),
    *phase_plots.sweep_pictures(cells),
    *_over_volume(cells, kind),
    *_against(cells, kind),
  ]


def _maps(cells: Sequence[Cell], kind: str) -> list[Picture]:
  return [
    Picture(
      f'map_{one.measure.name}_{one.moment.value}',
      title(one),
      heat_map.CAPTION,
      True,
      functools.partial(heat_map.draw, one),
    )
    for one in comparisons(cells, kind)
    if one.is_grid
  ]


def title(comparison: Comparison) -> str:
  """Returns what a map shows."""
  measure, moment = comparison.measure, comparison.moment
  return f'{measure.title}, {moment.title}{over_seeds([comparison])}'


def _curves(cells: Sequence[Cell], kind: str) -> list[Picture]:
  return [
    Picture(
      f'curves_{measure.name}',
      measure.title,
      curves.caption(cells, measure, kind),
      True,
      functools.partial(curves.draw, cells, measure, kind),
    )
    for measure in MEASURES
  ]


def _over_volume(cells: Sequence[Cell], kind: str) -> list[Picture]:
  return [
    Picture(
      f'{measure.name}_against_volume',
      f'{measure.title} against volume',
      'Against what a client has sent and received.',
      True,
      functools.partial(curves.draw, cells, measure, kind, against_volume=True),
    )
    for measure in MEASURES
  ]


def _against(cells: Sequence[Cell], kind: str) -> list[Picture]:
  found = []
  for path in against.settings(cells):
    for measure in MEASURES:
      for moment in Moment:
        found.append(
          Picture(
            f'{measure.name}_{moment.value}_against_{path.replace(".", "_")}',
            f'{measure.title} against {against.title(path)}, {moment.title}',
            f'Bars: {in_words(kind)} over seeds.',
            True,
            functools.partial(against.draw, cells, path, measure, moment, kind),
          )
        )
  return found
