"""How far a search goes before it costs too much accuracy."""

import math
from typing import Callable, NamedTuple, Optional

from flsec import registry
from flsec.defenses.phase import Score

STOPS = ('step', 'cumulative', 'largest_acceptable')
# Accuracies are fractions: their differences are off by roundings.
_ROUNDING = 1e-9


class StopRule(NamedTuple):
  """When the search ends, and what it keeps.

  Attributes:
    name: 'step': at the first point whose accuracy is more than `max_drop`
      below that of the point before; 'cumulative': below that of point 0;
      'largest_acceptable': at the last point, of which the largest acceptable
      one is kept ("the maximum pruning rate with an acceptable accuracy"),
      acceptable meaning as in 'cumulative'. The first two keep the point
      before.
    max_drop: see name; 0.01 is one percentage point.
    min_accuracy: a point below it is never kept, and ends the first two.
    max_loss_rise: nats; a point whose loss is more than this above that of
      point 0 counts as one that dropped too far. None: losses do not count.
  """

  name: str = 'step'
  max_drop: float = 0.01
  min_accuracy: float = 0.0
  max_loss_rise: Optional[float] = None


def check(rule: StopRule, user: str) -> None:
  """Refuses a rule that means nothing.

  Raises:
    ValueError: names the option and what was received.
  """
  if rule.name not in STOPS:
    allowed = dict.fromkeys(STOPS)
    raise ValueError(
      registry.unknown_name(f'stop of {user}', rule.name, allowed)
    )
  for name, low, high in (
    ('max_drop', 0.0, 1.0),
    ('min_accuracy', 0.0, 1.0),
    ('max_loss_rise', 0.0, math.inf),
  ):
    value = getattr(rule, name)
    if value is not None and not low <= value <= high:
      bounds = f'{low:g} to {high:g}' if high < math.inf else f'{low:g} or more'
      raise ValueError(f'{user}: {name} must be {bounds}; got {value}.')


def search(
  rule: StopRule, score: Callable[[int], Score], last_point: int
) -> int:
  """Returns the point that the search keeps.

  Args:
    rule: when to stop.
    score: of a point; asked for point 0 first, then for 1, 2, ..., each once.
    last_point: the last there is.

  Returns:
    A point from 0 to last_point; 0, the weights as they were, where no other
    is acceptable.
  """
  first = before = score(0)
  kept = 0
  for point in range(1, last_point + 1):
    found = score(point)
    reference = before if rule.name == 'step' else first
    is_acceptable = not (
      reference.accuracy - found.accuracy > rule.max_drop + _ROUNDING
      or found.accuracy < rule.min_accuracy - _ROUNDING
      or _loss_rose(rule, first, found)
    )
    if is_acceptable:
      kept = point
    elif rule.name != 'largest_acceptable':
      break
    before = found
  return kept


def _loss_rose(rule: StopRule, first: Score, found: Score) -> bool:
  if rule.max_loss_rise is None:
    return False
  # A loss that is no number has risen too far.
  return not found.loss - first.loss <= rule.max_loss_rise + _ROUNDING
