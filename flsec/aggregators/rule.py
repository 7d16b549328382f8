"""What an aggregation rule is: a frozen record of pure TensorFlow functions.

Updates follow the convention `w_client - w_global`: the server adds the result.
"""

import dataclasses
from typing import Any, Callable, Optional, Protocol

import tensorflow as tf

State = Any  # A tensor or a (possibly empty) tuple of tensors.
Measurements = dict[str, tf.Tensor]
Examples = tuple[tf.Tensor, tf.Tensor]  # x [s, ...] as stored, y int32 [s].


class Model(Protocol):
  """The part of `flsec.models.flat.FlatModel` that rules may use."""

  def logits(self, weights: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Returns [s, num_classes] for weights [d] and examples [s, ...]."""


@dataclasses.dataclass(frozen=True)
class ServerContext:
  """What the server owns in a round, and a rule may look at.

  Attributes:
    weights: float32 [d], the global weights that were broadcast.
    round_number: int32 scalar, 1 in the first round.
    seed: int32 [2], a stateless seed of this round's rule.
    model: the flat model; None where a rule is called outside a round.
    layout: `flsec.models.layout.Layout`; None likewise.
    root: the server's own training examples (FLTrust, FedER), or None.
    validation: the server's held-out examples (ERR, LFR), or None.
    train: `(weights [d], x, y, seed) -> update [d]`, the local training that
      an honest client does, for a root update; or None.
  """

  weights: Optional[tf.Tensor] = None
  round_number: Optional[tf.Tensor] = None
  seed: Optional[tf.Tensor] = None
  model: Optional[Model] = None
  layout: Any = None
  root: Optional[Examples] = None
  validation: Optional[Examples] = None
  train: Optional[Callable[..., tf.Tensor]] = None


Initialize = Callable[[int], State]
Next = Callable[
  [State, tf.Tensor, tf.Tensor, ServerContext],
  tuple[State, tf.Tensor, Measurements],
]
View = Callable[[tf.Tensor], tf.Tensor]  # [m, d] rows to [m, e] rows.


def no_state(dimension: int) -> State:
  """The state of a rule that keeps none between rounds."""
  del dimension
  return ()


@dataclasses.dataclass(frozen=True)
class Rule:
  """An aggregation rule: [n, d] updates to one update [d].

  Attributes:
    name: the registered name, with its options where that helps a reader.
    next: `(state, updates float32 [n, d], weights float32 [n], context) ->
      (state, update float32 [d], measurements)`. `measurements['selected']` is
      float32 [n], the share of each row in the result (0 for a dropped row).
      n may be unknown statically; where it is known the fast path is taken.
    initialize: `d -> state`.
    minimum_clients: the fewest rows the rule is defined for.
    needs: what the rule reads of the context: any of 'root', 'validation',
      'seed', 'layout'. The configuration is refused where it is absent.
    is_weighted_mean: the result is the mean weighted by `weights`, so that the
      round may stream it with no stack of updates.
    selects_rows: the result is `measurements['selected'] @ updates`, so that a
      wrapper may take the scores from other rows than the result.
    scored_by: `view -> next`, the rule with its scores taken from `view(rows)`
      and its result from the rows themselves; None where `selects_rows` says
      all, or where the rule scores no clients.
  """

  name: str
  next: Next
  initialize: Initialize = no_state
  minimum_clients: int = 1
  needs: frozenset[str] = frozenset()
  is_weighted_mean: bool = False
  selects_rows: bool = False
  scored_by: Optional[Callable[[View], Next]] = None

  def __call__(
    self, updates: Any, weights: Any = None, context: Any = None
  ) -> tf.Tensor:
    """Applies the rule once, from its initial state, to [n, d] -> [d]."""
    updates = tf.convert_to_tensor(updates, tf.float32)
    if updates.shape.rank != 2:
      raise ValueError(
        f'{self.name} takes updates of shape [n, d]; got {updates.shape}.'
      )
    if weights is None:
      weights = tf.ones(tf.shape(updates)[0])
    state = self.initialize(int(updates.shape[1]))
    context = context or ServerContext(seed=tf.constant([0, 0]))
    return self.next(
      state, updates, tf.convert_to_tensor(weights, tf.float32), context
    )[1]
