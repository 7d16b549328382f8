"""Stops a run, or warns, where a round went astray."""

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np
from absl import logging

from flsec.aggregators import rule as rules
from flsec.config import schema

LOSS = 'test/loss'
_NAMED = 10  # Clients that a message names before it only counts them.
_FURTHEST = 3


class RoundError(ValueError):
  """A round that may not count; nothing of it has been written."""


class RoundChecks:
  """Looks at every round of a run before its numbers are written."""

  def __init__(self, server: schema.ServerConfig, rule: rules.Rule) -> None:
    """Takes the policies of `server`, and the rule that they are for."""
    self._server, self._rule = server, rule
    self._has_warned = False

  def check(
    self,
    round_number: int,
    output: Mapping[str, Any],
    weights: np.ndarray,
    metrics: Mapping[str, float],
  ) -> None:
    """Checks one round.

    Args:
      round_number: from 1.
      output: the metrics struct of `federated.server_step`.
      weights: float32 [d], the global weights after the round.
      metrics: the round's; the test loss may be among them.

    Raises:
      RoundError: too few clients were left for the rule, or the weights or the
        test loss are not finite, and the server's policy is `error`.
    """
    rows = {
      name: np.asarray(output[name])
      for name in ('client_id', 'weight', 'norm', 'is_finite')
    }
    too_few = int(output.get('rule/too_few_clients', 0))
    if too_few and self._server.on_too_few == 'error':
      found = f'{_left(rows)} in round {round_number}{_left_out(rows)}'
      raise RoundError(
        rules.too_few_clients(
          self._rule.name,
          self._rule.minimum_clients,
          self._rule.requirement,
          found,
        )
        + ' Rounds before it are kept.'
      )
    what = _not_finite(weights, metrics)
    if what is None or self._has_warned:
      return
    message = (
      f'Round {round_number} leaves {what} that is not finite. The longest '
      f'updates: {_furthest(rows)}.'
    )
    if self._server.on_non_finite == 'error':
      raise RoundError(
        f'{message} Lower the learning rate, choose a rule that bounds them, '
        'or set server.on_non_finite to warn. Rounds before it are kept.'
      )
    self._has_warned = True
    logging.warning('%s The run goes on (server.on_non_finite: warn).', message)


def _not_finite(
  weights: np.ndarray, metrics: Mapping[str, float]
) -> Optional[str]:
  if not np.isfinite(weights).all():
    return 'a global weight'
  return None if np.isfinite(metrics.get(LOSS, 0.0)) else 'a test loss'


def _takes_part(rows: Mapping[str, np.ndarray]) -> np.ndarray:
  return rows['is_finite'] & (rows['weight'] > 0)


def _left(rows: Mapping[str, np.ndarray]) -> str:
  takes_part = _takes_part(rows)
  return f'{takes_part.sum()} of {len(takes_part)}'


def _left_out(rows: Mapping[str, np.ndarray]) -> str:
  """Says which clients were left out, and why."""
  ids, is_finite = rows['client_id'], rows['is_finite']
  reasons = []
  if not is_finite.all():
    reasons.append(f'NaN or infinity from {_names(ids[~is_finite])}')
  is_empty = is_finite & (rows['weight'] <= 0)
  if is_empty.any():
    reasons.append(f'no example on {_names(ids[is_empty])}')
  return f' ({"; ".join(reasons)})' if reasons else ''


def _names(ids: np.ndarray) -> str:
  shown = ', '.join(map(str, ids[:_NAMED]))
  more = f' and {len(ids) - _NAMED} more' if len(ids) > _NAMED else ''
  return f'client{"s" if len(ids) > 1 else ""} {shown}{more}'


def _furthest(rows: Mapping[str, np.ndarray]) -> str:
  takes_part = _takes_part(rows)
  ids, norms = rows['client_id'][takes_part], rows['norm'][takes_part]
  order = np.argsort(-norms, kind='stable')[:_FURTHEST]
  named = [f'{norms[i]:.3g} (client {ids[i]})' for i in order]
  return ', '.join(named) or 'none'
