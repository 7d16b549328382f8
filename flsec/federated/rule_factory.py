"""Aggregation rules as stock TFF aggregators.

`tff.learning.algorithms.build_unweighted_fed_avg(model_aggregator=
as_aggregation_factory(rule))` runs a rule outside flsec.
"""

import dataclasses
from typing import Any, Callable, Optional

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from flsec.aggregators import screening
from flsec.aggregators.rule import Measurements, Rule, ServerContext
from flsec.data.dataset import Split
from flsec.federated import seed_folding, server_context, tracing, value_vector
from flsec.federated.mean_factory import MeanFactory
from flsec.federated.root_training import RootTraining
from flsec.models.flat import FlatModel


@dataclasses.dataclass(frozen=True)
class Server:
  """What a rule reads of the server, of which TFF tells an aggregator nothing.

  The global weights are followed: each round moves them by `learning_rate`
  times the result, as the server of `tff.learning` does by default (SGD without
  momentum). With another server optimiser they would not be the model's.

  Attributes:
    model: the model; its weights are the values, in Keras order.
    initial_weights: float32 [d], what the process starts from.
    root, validation: examples of the server's own, as stored, or None.
    root_training: what a root update (FLTrust) is made by, such as
      `RootTraining(schema.OptimizerConfig(learning_rate=0.1))`, one step on all
      root examples; needed beside `root`.
    learning_rate: of the server.
  """

  model: FlatModel
  initial_weights: np.ndarray
  root: Optional[Split] = None
  validation: Optional[Split] = None
  root_training: Optional[RootTraining] = None
  learning_rate: float = 1.0

  def __post_init__(self) -> None:
    if self.root and not self.root_training:
      raise ValueError(
        'Server(root=...) needs `root_training` (optimizer, steps, '
        'batch_size), what the root update is made by; got None.'
      )

  @property
  def offers(self) -> set[str]:
    """What of `Rule.needs` it has."""
    sets = {'root': self.root, 'validation': self.validation}
    return {'layout', *(name for name, split in sets.items() if split)}


def as_aggregation_factory(
  rule: Rule,
  num_clients: Optional[int] = None,
  *,
  server: Optional[Server] = None,
  seed: tuple[int, int] = (0, 0),
  values_are_descents: bool = True,
) -> tff.aggregators.UnweightedAggregationFactory:
  """Makes a rule a stock TFF aggregator of unweighted values.

  The values are flattened and concatenated to a vector each, stacked to [n, d]
  on the server, given to the rule, and its result gets the values' structure
  back. The row order, which decides ties, is the order in which TFF delivers
  values. A rule that is a mean is a sum, with no stack.

  Values with NaN or infinity are dropped, as in a round of flsec. Where too few
  are left, the rule's policy holds (`aggregators.build(..., on_too_few=...)`).

  Args:
    rule: what aggregates; one that is not screened yet is, with the policy
      'error'.
    num_clients: n, where it is the same in every round: rules are faster when
      they know it. A round with another number fails.
    seed: int32 [2], for rules that draw; each round uses its own.
    values_are_descents: whether the values are `w_global - w_client`, as those
      of `tff.learning` are. Rules see `w_client - w_global`, so that both the
      values and the result are negated; not all rules are odd functions.

  Returns:
    The factory. The process's state is (rule state, round number) and, where a
    server is given, the weights that are followed; its measurements are the
    rule's (of a mean `num_dropped` and `too_few_clients`).

  Raises:
    ValueError: the rule needs what a stock process does not have and `server`
      does not give, or more clients than `num_clients`.
  """
  missing = sorted(rule.needs - {'seed'} - (server.offers if server else set()))
  if missing:
    raise ValueError(
      f'Rule {rule.name!r} reads {", ".join(missing)} of the server, which a '
      'stock TFF process does not have. Give it by `server` '
      '(flsec.federated.rule_factory.Server) or choose another rule.'
    )
  if num_clients is not None and num_clients < rule.minimum_clients:
    raise ValueError(
      f'Rule {rule.name!r} needs at least {rule.minimum_clients} clients; got '
      f'num_clients={num_clients}.'
    )
  if rule.unscreened is None:
    rule = screening.screened(rule)
  if rule.is_weighted_mean:
    return MeanFactory(rule)
  return _RuleFactory(rule, num_clients, server, seed, values_are_descents)


class _RuleFactory(tff.aggregators.UnweightedAggregationFactory):
  """A rule over the stack of all values."""

  def __init__(
    self,
    rule: Rule,
    num_clients: Optional[int],
    server: Optional[Server],
    seed: tuple[int, int],
    values_are_descents: bool,
  ):
    self._rule, self._num_clients, self._seed = rule, num_clients, seed
    self._server = server
    self._sign = -1.0 if values_are_descents else 1.0

  def create(self, value_type: tff.Type) -> tff.templates.AggregationProcess:
    dimension = value_vector.size(value_type)
    self._check_size(dimension)
    start = tracing.trace(
      lambda: (
        self._rule.initialize(dimension),
        tf.constant(1),
        *self._first_weights(),
      )
    )
    initial_state = tff.tensorflow.computation(lambda: start())
    aggregate = self._aggregate(
      initial_state.type_signature.result,
      value_type,
      tracing.trace(
        self._step,
        *tracing.specs_of(start.structured_outputs),
        tf.TensorSpec([self._num_clients, dimension], tf.float32),
      ),
    )
    to_vector = value_vector.flattener(value_type)
    stack = _stacker(dimension)

    @tff.federated_computation()
    def initialize() -> Any:
      return tff.federated_eval(initial_state, tff.SERVER)

    @tff.federated_computation(
      initialize.type_signature.result,
      tff.FederatedType(value_type, tff.CLIENTS),
    )
    def next_round(state: Any, values: Any) -> Any:
      rows = stack(tff.federated_map(to_vector, values))
      state, result, measurements = tff.federated_map(aggregate, (state, rows))
      return tff.templates.MeasuredProcessOutput(state, result, measurements)

    return tff.templates.AggregationProcess(initialize, next_round)

  def _aggregate(
    self, state_type: tff.Type, value_type: tff.Type, step: Callable[..., Any]
  ) -> tff.Computation:
    """Builds the server's step: (state, rows [n, d]) to state and result."""
    from_vector = value_vector.unflattener(value_type)
    dimension = value_vector.size(value_type)
    rows_type = tff.TensorType(np.float32, [None, dimension])

    @tff.tensorflow.computation(state_type, rows_type)
    def aggregate(state: Any, rows: tf.Tensor) -> Any:
      rows = tf.ensure_shape(rows, [self._num_clients, dimension])
      state, result, measurements = step(*state, rows)
      return state, from_vector(result), measurements

    return aggregate

  def _check_size(self, dimension: int) -> None:
    if self._server and dimension != self._server.model.num_weights:
      raise ValueError(
        f'The values hold {dimension:,} numbers, the model of `server` has '
        f'{self._server.model.num_weights:,} weights. It has to be the model '
        'that is trained, without batch normalisation (whose moving statistics '
        'tff.learning does not aggregate).'
      )

  def _first_weights(self) -> list[tf.Tensor]:
    return [tf.constant(self._server.initial_weights)] if self._server else []

  def _step(
    self, rule_state: Any, round_number: tf.Tensor, *rest: tf.Tensor
  ) -> tuple[Any, tf.Tensor, Measurements]:
    *weights, rows = rest  # Weights only where there is a server.
    rule_state, result, measurements = self._rule.next(
      rule_state,
      self._sign * rows,
      tf.ones(tf.shape(rows)[:1]),
      self._context(round_number, *weights),
    )
    state = (
      rule_state,
      round_number + 1,
      *(w + self._server.learning_rate * result for w in weights),
    )
    return state, self._sign * result, measurements

  def _context(
    self, round_number: tf.Tensor, weights: Optional[tf.Tensor] = None
  ) -> ServerContext:
    seed = seed_folding.fold(tf.constant(self._seed, tf.int32), round_number)
    server = self._server
    if server is None:
      return ServerContext(round_number=round_number, seed=seed)
    return server_context.build_server_context(
      model=server.model,
      training=server.root_training,
      root=server.root,
      validation=server.validation,
      weights=weights,
      round_number=round_number,
      seed=seed,
    )


def _stacker(dimension: int) -> Any:
  """Builds the aggregation of vectors [d] at clients to rows [n, d]."""
  vector_type = tff.TensorType(np.float32, [dimension])
  rows_type = tff.TensorType(np.float32, [None, dimension])

  @tff.tensorflow.computation
  def no_rows() -> tf.Tensor:
    # Sliced, so that the number of rows is unknown to the type, as it must be.
    rows = tf.zeros([1, dimension])
    return tf.ensure_shape(rows[: tf.constant(0)], [None, dimension])

  @tff.tensorflow.computation(rows_type, vector_type)
  def append(rows: tf.Tensor, vector: tf.Tensor) -> tf.Tensor:
    return tf.concat([rows, vector[None]], axis=0)

  @tff.tensorflow.computation(rows_type, rows_type)
  def merge(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    return tf.concat([first, second], axis=0)

  @tff.tensorflow.computation(rows_type)
  def report(rows: tf.Tensor) -> tf.Tensor:
    return rows

  return lambda vectors: tff.federated_aggregate(
    vectors, no_rows(), append, merge, report
  )
