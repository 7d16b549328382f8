"""The mean as a stock TFF aggregator, which sums and builds no stack."""

import collections
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from flsec.aggregators.rule import Rule, too_few_clients
from flsec.federated import value_vector
from flsec.numerics import scaled_sums


class MeanFactory(tff.aggregators.UnweightedAggregationFactory):
  """The plain mean of finite values; a rule that is a mean needs no stack."""

  def __init__(self, rule: Rule):
    """Takes a screened rule: its name, minimum of clients and policy."""
    self._rule = rule

  def create(self, value_type: tff.Type) -> tff.templates.AggregationProcess:
    value_vector.check_floats(value_type)

    @tff.tensorflow.computation(value_type)
    def finite_part(value: Any) -> Any:
      finite = [tf.math.is_finite(leaf) for leaf in tf.nest.flatten(value)]
      is_finite = tf.reduce_all([tf.reduce_all(leaf) for leaf in finite])
      kept = tf.nest.map_structure(
        lambda leaf: tf.where(
          is_finite, leaf * _scale(leaf.dtype), tf.zeros_like(leaf)
        ),
        value,
      )
      count = tf.cast(is_finite, tf.int32)
      return kept, count, 1 - count

    @tff.tensorflow.computation(value_type, np.int32, np.int32)
    def divide(total: Any, count: tf.Tensor, num_dropped: tf.Tensor) -> Any:
      count = self._checked(count)
      mean = tf.nest.map_structure(
        lambda leaf: scaled_sums.undo(
          tf.math.divide_no_nan(leaf, tf.cast(count, leaf.dtype)),
          _scale(leaf.dtype),
        ),
        total,
      )
      too_few = tf.cast(count < self._rule.minimum_clients, tf.int32)
      return mean, collections.OrderedDict(
        num_dropped=num_dropped, too_few_clients=too_few
      )

    @tff.federated_computation()
    def initialize() -> Any:
      return tff.federated_value((), tff.SERVER)

    @tff.federated_computation(
      initialize.type_signature.result,
      tff.FederatedType(value_type, tff.CLIENTS),
    )
    def next_round(state: Any, values: Any) -> Any:
      parts = tff.federated_map(finite_part, values)
      result, measurements = tff.federated_map(
        divide, tuple(tff.federated_sum(parts[i]) for i in range(3))
      )
      return tff.templates.MeasuredProcessOutput(state, result, measurements)

    return tff.templates.AggregationProcess(initialize, next_round)

  def _checked(self, count: tf.Tensor) -> tf.Tensor:
    """Returns the number of finite values, once the policy lets it pass."""
    if self._rule.on_too_few != 'error':
      return count
    minimum = self._rule.minimum_clients
    check = tf.debugging.assert_greater_equal(
      count,
      minimum,
      too_few_clients(
        self._rule.name, minimum, self._rule.requirement, 'fewer finite values'
      ),
    )
    with tf.control_dependencies([check]):
      return tf.identity(count)


def _scale(dtype: tf.DType) -> tf.Tensor:
  """Returns what values are multiplied by, so that no finite sum overflows.

  Clients are fewer than 2^24. A power of two changes no digit of values above
  2e-31; float16, which has no such room, is summed as it is.
  """
  return tf.constant(1.0 if dtype == tf.float16 else 2.0**-24, dtype)
