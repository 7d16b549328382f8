"""What an aggregation rule is: a frozen record of pure TensorFlow functions.

Updates follow the convention `w_client - w_global`: the server adds the result.
"""

import dataclasses
import functools
from typing import Any, Callable, Optional, Protocol

import tensorflow as tf

from flsec.aggregators import given_rows

State = Any  # A tensor or a (possibly empty) tuple of tensors.
Measurements = dict[str, tf.Tensor]
Examples = tuple[tf.Tensor, tf.Tensor]  # x [s, ...] as stored, y int32 [s].


class Model(Protocol):
  """The part of `flsec.models.flat.FlatModel` that rules may use."""

  def inputs(self, x: tf.Tensor) -> tf.Tensor:
    """Turns examples as they are stored into model inputs [s, ...]."""

  def logits(self, weights: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Returns [s, num_classes] for weights [d] and model inputs [s, ...]."""


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
    train: `(weights [d], x, y, seed) -> update [d]`, the server's own
      training, for a root update; or None.
    client_ids: int32 [n], distinct and ascending, whose row each is, for rules
      that remember clients; None: row i is client i's, in every round.
    is_finite: bool [n], which rows hold no NaN or infinity, where the caller
      has looked; None: a screened rule looks itself.
  """

  weights: Optional[tf.Tensor] = None
  round_number: Optional[tf.Tensor] = None
  seed: Optional[tf.Tensor] = None
  model: Optional[Model] = None
  layout: Any = None
  root: Optional[Examples] = None
  validation: Optional[Examples] = None
  train: Optional[Callable[..., tf.Tensor]] = None
  client_ids: Optional[tf.Tensor] = None
  is_finite: Optional[tf.Tensor] = None

  def of_rows(self, rows: tf.Tensor, num_rows: Any) -> 'ServerContext':
    """Returns the context of some of the rows alone.

    Args:
      rows: int [m], ascending.
      num_rows: n, of the stack that they are from.
    """
    ids = tf.range(num_rows) if self.client_ids is None else self.client_ids
    return dataclasses.replace(
      self, client_ids=tf.gather(ids, rows), is_finite=None
    )


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
      float32 [n], the share of each row in the result (0 for a dropped row);
      `has_shares` and `leaves_out_rows` say how far it may be read so.
      n may be unknown statically; where it is known the fast path is taken.
    initialize: `d -> state`.
    minimum_clients: the fewest rows the rule is defined for.
    requirement: where that number comes from, for messages.
    needs: what the rule reads of the context: any of 'root', 'validation',
      'seed', 'layout'. The configuration is refused where it is absent.
    is_weighted_mean: the result is the mean weighted by `weights`, so that the
      round may stream it with no stack of updates.
    selects_rows: the result is `measurements['selected'] @ updates`, so that a
      wrapper may take the scores from other rows than the result.
    scored_by: `view -> next`, the rule with its scores taken from `view(rows)`
      and its result from the rows themselves; None where `selects_rows` says
      all, or where the rule scores no clients.
    unscreened: of a screened rule, the rule that it wraps.
    on_too_few: of a screened rule, its policy (`screening.ON_TOO_FEW`).
    has_shares: whether `selected` are shares of the result. A rule that works
      coordinate by coordinate has none: its `selected` is above 0 for the rows
      that it worked on, all alike, and nothing is measured from its values.
    leaves_out_rows: whether the rule gives rows that it mistrusts the share 0.
      Where it does not, nobody is caught or selected, and neither is measured.
  """

  name: str
  next: Next
  initialize: Initialize = no_state
  minimum_clients: int = 1
  needs: frozenset[str] = frozenset()
  is_weighted_mean: bool = False
  selects_rows: bool = False
  scored_by: Optional[Callable[[View], Next]] = None
  requirement: str = ''
  unscreened: Optional['Rule'] = None
  on_too_few: str = 'error'
  has_shares: bool = True
  leaves_out_rows: bool = True

  def __call__(
    self, updates: Any, weights: Any = None, context: Any = None
  ) -> tf.Tensor:
    """Applies the rule once, from its initial state, to [n, d] -> [d].

    Args:
      updates: real numbers [n, d] of any precision.
      weights: real numbers [n]; 1 each where left out.
      context: see `next`.

    Raises:
      ValueError: another shape, or numbers that float32 cannot hold.
    """
    updates = given_rows.stack_of(self.name, updates)
    weights = given_rows.weights_of(self.name, weights, updates)
    if context is None:
      return _once(self, *updates.shape)(updates, weights)
    state = self.initialize(int(updates.shape[1]))
    return self.next(state, updates, weights, context)[1]


@functools.lru_cache(maxsize=128)
def _once(rule: Rule, rows: int, dimension: int) -> Callable[..., tf.Tensor]:
  # As a graph, blocks of columns run side by side; a second call of the same
  # rule on the same shape reuses it.
  def apply(updates: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    state = rule.initialize(dimension)
    context = ServerContext(seed=tf.constant([0, 0]))
    return rule.next(state, updates, weights, context)[1]

  return tf.function(apply, autograph=False).get_concrete_function(
    tf.TensorSpec([rows, dimension], tf.float32),
    tf.TensorSpec([rows], tf.float32),
  )


def stateless(
  name: str,
  aggregate: Callable[..., tuple[tf.Tensor, Measurements]],
  *,
  minimum_clients: int = 1,
  requirement: str = '',
  needs: frozenset[str] = frozenset(),
  is_weighted_mean: bool = False,
  selects_rows: bool = False,
  takes_scored_rows: bool = False,
  has_shares: bool = True,
  leaves_out_rows: bool = True,
) -> Rule:
  """Makes a rule that keeps nothing between rounds.

  Args:
    name: see `Rule`.
    aggregate: `(updates [n, d], weights [n], context) -> (update [d],
      measurements)`; called only with at least `minimum_clients` rows.
    minimum_clients: see `Rule`.
    requirement: see `Rule`.
    needs: see `Rule`.
    is_weighted_mean: see `Rule`.
    selects_rows: see `Rule`.
    takes_scored_rows: `aggregate` is `(updates [n, d], scored [n, e], context)
      -> ...` instead, and looks at `scored` to score the rows
      (`Rule.scored_by`).
    has_shares: see `Rule`.
    leaves_out_rows: see `Rule`.
  """

  def scored_by(view: View) -> Next:
    def next_state(
      state: State,
      updates: tf.Tensor,
      weights: tf.Tensor,
      context: ServerContext,
    ) -> tuple[State, tf.Tensor, Measurements]:
      updates = require_clients(updates, name, minimum_clients, requirement)
      if takes_scored_rows:
        result = aggregate(updates, view(updates), context)
      else:
        result = aggregate(updates, weights, context)
      return (state, *_checked(name, updates, *result))

    return next_state

  return Rule(
    name,
    scored_by(lambda rows: rows),
    minimum_clients=minimum_clients,
    requirement=requirement,
    needs=needs,
    is_weighted_mean=is_weighted_mean,
    selects_rows=selects_rows,
    scored_by=scored_by if takes_scored_rows else None,
    has_shares=has_shares,
    leaves_out_rows=leaves_out_rows,
  )


def _checked(
  name: str, updates: tf.Tensor, update: tf.Tensor, measured: Measurements
) -> tuple[tf.Tensor, Measurements]:
  """Refuses a result that is none of a rule's.

  Raises:
    ValueError: naming the rule, and what it has to return.
  """
  if not update.shape.is_compatible_with(updates.shape[1:]):
    raise ValueError(
      f'Rule {name!r} returns an update of shape {update.shape} for updates '
      f'{updates.shape}; it has to be {updates.shape[1:]}.'
    )
  if 'selected' not in measured:
    raise ValueError(
      f"Rule {name!r} measures {sorted(measured)}; 'selected', float32 [n], "
      'the share of each row in the result, has to be among them.'
    )
  return update, measured


def require_clients(
  updates: tf.Tensor, name: str, minimum: int, requirement: str
) -> tf.Tensor:
  """Returns the updates, once there are enough rows for the rule.

  Raises:
    ValueError: where n is known statically and too small.
    tf.errors.InvalidArgumentError: where it turns out so when the graph runs.
  """
  count = updates.shape[0]
  if count is None:
    check = tf.debugging.assert_greater_equal(
      tf.shape(updates)[0],
      minimum,
      message=too_few_clients(name, minimum, requirement, 'fewer rows'),
    )
    with tf.control_dependencies([check]):
      return tf.identity(updates)
  if count < minimum:
    raise ValueError(too_few_clients(name, minimum, requirement, f'n={count}'))
  return updates


def too_few_clients(
  name: str, minimum: int, requirement: str, found: Any
) -> str:
  """Says how many clients the rule needs, why, and what helps."""
  why = f' ({requirement})' if requirement else ''
  return (
    f'{name} needs at least {minimum} clients{why}; got {found}. Lower '
    'num_byzantine (or the number of rows to select), take more clients into '
    "the round, or set on_too_few to 'mean' or 'skip'."
  )


def check_num_byzantine(rule_name: str, num_byzantine: int) -> None:
  """Refuses a negative number of Byzantine clients.

  Raises:
    ValueError: naming the rule, the bound and what was received.
  """
  if num_byzantine < 0:
    raise ValueError(
      f'{rule_name}: num_byzantine must be 0 or more; got {num_byzantine}.'
    )
