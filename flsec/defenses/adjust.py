"""Adjusting extreme weights: those far from a layer's mean become zero."""

import dataclasses
import functools
import math
from typing import Optional

import numpy as np

from flsec import registry
from flsec.defenses import stop_rules
from flsec.defenses.extreme_weights import extreme_weights
from flsec.defenses.phase import (
  SCORE,
  Evaluate,
  Phase,
  Record,
  Reports,
)
from flsec.models.channel_layer import channel_layer
from flsec.models.layout import Layout

# Each is a test of the model. The paper's sweep has some twenty.
_MOST_DELTAS = 1000


@registry.phase('adjust', paper='Wu et al., arXiv 2020')
def adjust(
  *,
  num_deviations: Optional[float] = None,
  largest: float = 6.0,
  smallest: float = 1.0,
  step: float = 0.25,
  layer: Optional[str] = None,
  stop: str = 'cumulative',
  max_drop: float = 0.01,
  min_accuracy: float = 0.0,
  max_loss_rise: Optional[float] = None,
  is_lasting: bool = False,
  feedback: bool = False,
) -> Phase:
  """Zeroes the weights of a layer beyond mu +- Delta sigma.

  Either for one Delta, without any test, or for ever smaller ones, from
  `largest` down to `smallest`, while accuracy allows. mu and sigma are those of
  the layer's surviving weights as they are when the phase begins; each Delta
  starts from those weights again.

  Args:
    num_deviations: the one Delta, above 0 (the paper's tables have 3); None:
      Delta is swept.
    largest, smallest, step: of the sweep.
    layer: whose kernel; None: the last conv layer.
    stop: 'cumulative', 'step' or 'largest_acceptable'; see
      `flsec.defenses.stop_rules.StopRule`.
    max_drop: of accuracy, as `stop` counts it.
    min_accuracy: below it, no candidate is kept.
    max_loss_rise: nats by which the loss may rise; None: it does not count.
    is_lasting: keep the zeroed weights at zero in later phases that train.
    feedback: clients test the candidates, in one more exchange, and not the
      server on its validation examples.

  Returns:
    The phase.

  Raises:
    ValueError: an option out of its range.

  References:
    Wu et al., "Mitigating backdoor attacks in federated learning", 2020,
    sections IV-C and V-C.
  """
  _check(num_deviations, largest, smallest, step)
  if max_loss_rise is not None and feedback:
    raise ValueError(
      'adjust: clients report accuracies and no losses. Leave out '
      'max_loss_rise, or let the server test (feedback: false).'
    )
  rule = stop_rules.StopRule(stop, max_drop, min_accuracy, max_loss_rise)
  stop_rules.check(rule, 'adjust')
  swept = None if num_deviations else deltas(largest, smallest, step)
  options = _Options(layer, num_deviations, swept, rule, is_lasting)
  return Phase(
    'adjust',
    needs=frozenset() if num_deviations else frozenset({SCORE}),
    check=lambda layout: channel_layer('adjust', layout, layer) and None,
    decide=functools.partial(_decide, options),
    layer=layer,
    removes=is_lasting,
    feedback=feedback,
  )


@dataclasses.dataclass(frozen=True)
class _Options:
  """What `adjust` documents; `swept` is None where there is one Delta."""

  layer: Optional[str]
  num_deviations: Optional[float]
  swept: Optional[list[float]]
  rule: stop_rules.StopRule
  is_lasting: bool


def _decide(
  options: _Options,
  weights: np.ndarray,
  mask: np.ndarray,
  reports: Optional[Reports],
  layout: Layout,
  evaluate: Evaluate,
) -> tuple[np.ndarray, np.ndarray, Record]:
  """Implements `Phase.decide`."""
  del reports
  layer = channel_layer('adjust', layout, options.layer)
  values = options.swept or [options.num_deviations]
  zeroed_at = extreme_weights(weights, mask, layer, values)
  points = [
    {'removed': int((zeroed_at <= point).sum()), 'delta': delta}
    for point, delta in enumerate([math.inf, *values])
  ]
  kept = 1
  if options.swept:
    score = evaluate(zeroed_at, points)
    kept = stop_rules.search(options.rule, score, len(values))
  is_extreme = zeroed_at <= kept
  if options.is_lasting:
    mask = mask | is_extreme
  weights = np.where(is_extreme, np.float32(0), weights)
  return weights, mask, points[kept]


def deltas(largest: float, smallest: float, step: float) -> list[float]:
  """Returns `largest`, `largest - step`, ..., none below `smallest`."""
  count = math.floor(round((largest - smallest) / step, 9)) + 1
  # Of the decimals that were written: no 2.9999999999999996.
  return [round(largest - number * step, 9) for number in range(count)]


def _check(
  num_deviations: Optional[float], largest: float, smallest: float, step: float
) -> None:
  if num_deviations is not None and not num_deviations > 0:
    raise ValueError(f'adjust needs num_deviations > 0; got {num_deviations}.')
  if not largest >= smallest > 0:
    raise ValueError(
      'adjust sweeps from `largest` down to `smallest`, which is above 0; got '
      f'{largest} and {smallest}.'
    )
  if not step > 0:
    raise ValueError(f'adjust needs step > 0; got {step}.')
  is_swept = num_deviations is None
  if is_swept and not largest - smallest < _MOST_DELTAS * step:
    raise ValueError(
      f'adjust tests at most {_MOST_DELTAS:,} values of Delta; from {largest} '
      f'down to {smallest} there are more in steps of {step}. Raise step.'
    )
