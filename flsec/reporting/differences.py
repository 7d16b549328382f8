"""What a defence gains over a baseline, seed by seed."""

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np
from scipy import special

from flsec.reporting import clean_run
from flsec.reporting import places as places_lib
from flsec.reporting.cell import Cell
from flsec.reporting.measure import Measure, Moment
from flsec.reporting.places import Place
from flsec.reporting.spread import DIFFERENCE, Spread
from flsec.reporting.table import Column, Number, Table, only_filled

_CONFIDENCE = 0.95


def paired_difference(
  values: Mapping[Any, float], baseline: Mapping[Any, float]
) -> Optional[Spread]:
  """Returns the mean difference of two defences over the seeds that both have.

  Two runs of one seed share their data, their clients and their draws, so that
  their difference varies less than either.

  Args:
    values: one a seed.
    baseline: one a seed.

  Returns:
    The mean of the differences with Student's interval of 95 %, mean +- t
    s / sqrt(n) with n - 1 degrees of freedom; from NaN to NaN for one pair;
    None without a pair.
  """
  pairs = [value - baseline[s] for s, value in values.items() if s in baseline]
  if not pairs:
    return None
  mean, count = statistics.fmean(pairs), len(pairs)
  half = math.nan
  if count > 1:
    quantile = float(special.stdtrit(count - 1, (1 + _CONFIDENCE) / 2))
    half = quantile * float(np.std(pairs, ddof=1)) / math.sqrt(count)
  return Spread(mean, mean - half, mean + half, count, DIFFERENCE)


def usual_baseline(cells: Sequence[Cell]) -> Optional[str]:
  """Returns the defence that others are held against: the plain mean.

  None where there is none, nothing besides, or no two seeds to pair.
  """
  if len({repr(c.config.get('seed')) for c in cells if c.is_done}) < 2:
    return None
  places = places_lib.places(cells)
  plain = {p.defence for c, p in zip(cells, places) if clean_run.is_plain(c)}
  return min(plain) if plain and len({p.defence for p in places}) > 1 else None


def difference_table(
  cells: Sequence[Cell], measure: Measure, baseline: str
) -> Optional[Table]:
  """Returns the paired differences of finished runs to those of a baseline.

  Args:
    cells: the runs.
    measure: what is compared.
    baseline: a defence, as the tables call it.

  Returns:
    Defences by threats, in points of per cent, the last round beside the mean
    of the attacked rounds; None where no defence has a pair.

  Raises:
    ValueError: there is no such defence.
  """
  places = places_lib.places(cells)
  defences = places_lib.in_order([place.defence for place in places])
  if baseline not in defences:
    raise ValueError(
      f'There is no defence {baseline!r} to compare with. There are: '
      f'{"; ".join(defences)}.'
    )
  others = [name for name in defences if name != baseline]
  threats = places_lib.in_order([place.threat for place in places])
  columns, rows = [Column('')], [[name] for name in others]
  for threat in threats:
    for moment in Moment:
      values = _values(cells, places, measure, moment)
      columns.append(Column(moment.value, threat or 'all'))
      against = values.get(Place(baseline, threat), {})
      for name, row in zip(others, rows):
        found = values.get(Place(name, threat), {})
        row.append(Number(paired_difference(found, against)))
  caption = (
    f'{measure.title}, minus that of {baseline!r}, in points: last round, mean '
    'of attacked rounds; mean [95 % interval] of the differences'
  )
  table = only_filled(
    Table(f'{measure.name}_difference', caption, columns, rows, unfolds=True)
  )
  if not table.counts:
    return None
  counts = table.counts
  over = f'of {counts[0]} seeds' if len(counts) == 1 else 'of n seeds'
  return dataclasses.replace(table, caption=f'{caption} {over}')


def _values(
  cells: Sequence[Cell],
  places: Sequence[Place],
  measure: Measure,
  moment: Moment,
) -> dict[Place, dict[Any, float]]:
  """Returns each place's values by seed."""
  found: dict[Place, dict[Any, float]] = {}
  for cell, place in zip(cells, places):
    value = cell.headline.value(measure, moment)
    if cell.is_done and value is not None:
      found.setdefault(place, {})[cell.config.get('seed')] = value
  return found
