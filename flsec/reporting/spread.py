"""What several seeds came to: a centre, how far they lie around it, and n."""

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Optional

MEDIAN = 'median'
MEAN = 'mean'
CENTRES = (MEDIAN, MEAN)
# Of the differences to a baseline; its ends are those of an interval.
DIFFERENCE = 'difference'


@dataclasses.dataclass(frozen=True)
class Spread:
  """The values of one quantity over seeds.

  Attributes:
    centre: their median or mean.
    low: the least value; or mean minus standard deviation; or the lower end
      of an interval.
    high: the greatest value; and so on.
    count: n, how many there are.
    kind: `median`, `mean` or `difference`.
  """

  centre: float
  low: float
  high: float
  count: int
  kind: str = MEDIAN

  @property
  def deviation(self) -> float:
    """Half of the band's width: with a mean, the standard deviation."""
    return (self.high - self.low) / 2


def spread(values: Sequence[float], kind: str = MEDIAN) -> Optional[Spread]:
  """Returns what the values of several seeds came to; None where none are.

  Args:
    values: one a seed.
    kind: `median`, with the least and the greatest value; or `mean`, with the
      sample's standard deviation (n - 1; 0 for one value) to both sides.
  """
  _check(kind)
  if not values:
    return None
  if kind == MEDIAN:
    centre, low, high = statistics.median(values), min(values), max(values)
  else:
    centre = statistics.fmean(values)
    # `stdev` refuses infinities; a diverged run has them.
    finite = len(values) > 1 and all(map(math.isfinite, values))
    deviation = statistics.stdev(values) if finite else 0.0
    low, high = centre - deviation, centre + deviation
  return Spread(centre, low, high, len(values), kind)


def in_words(kind: str) -> str:
  """Says what a spread's numbers are."""
  _check(kind)
  return {
    MEDIAN: 'median [least, greatest]',
    MEAN: 'mean ± standard deviation',
  }[kind]


def _check(kind: str) -> None:
  if kind not in CENTRES:
    raise ValueError(
      f'Seeds are put together by one of {", ".join(CENTRES)}; got {kind!r}.'
    )
