"""The round as one TFF federated computation."""

import collections
from typing import Any, Callable

import tensorflow as tf
import tensorflow_federated as tff

from flsec.federated import client_work, server_step, stacking, state
from flsec.federated.plan import Plan

Struct = collections.OrderedDict


def build_process(plan: Plan) -> tff.templates.IterativeProcess:
  """Builds `initialize` and `next` of a plan.

  Args:
    plan: model, local training, adversary, rule and pruning.

  Returns:
    An iterative process: `initialize() -> state@SERVER`,
    `next(state@SERVER, clients@CLIENTS) -> (state@SERVER, metrics@SERVER)`.
    `state.initial_state`, `client_work.client_type` and
    `server_step.build_server_step` document the structs.
  """
  initial = state.initial_state(plan)
  state_type = tff_type(state.type_of(initial))
  client_type = tff_type(client_work.client_type(plan))
  parts = stacking.build_stacking(plan)
  stack_type = tff_type(parts.accumulator_type)

  initialize = _computation(
    lambda: tf.nest.map_structure(tf.identity, state.initial_state(plan))
  )
  prepare = _computation(
    lambda server_state: state.broadcast_of(plan, server_state), state_type
  )
  broadcast_type = prepare.type_signature.result
  train = _computation(
    client_work.build_client_work(plan), broadcast_type, client_type
  )
  result_type = train.type_signature.result
  zero = _computation(parts.zero)
  accumulate = _computation(parts.accumulate, stack_type, result_type)
  merge = _computation(parts.merge, stack_type, stack_type)
  report = _computation(lambda total: total, stack_type)
  update = _computation(
    server_step.build_server_step(plan), state_type, stack_type
  )

  @tff.federated_computation
  def initialize_fn():
    return tff.federated_eval(initialize, tff.SERVER)

  @tff.federated_computation(
    tff.FederatedType(state_type, tff.SERVER),
    tff.FederatedType(client_type, tff.CLIENTS),
  )
  def next_fn(server_state, clients):
    broadcast = tff.federated_broadcast(
      tff.federated_map(prepare, server_state)
    )
    results = tff.federated_map(train, (broadcast, clients))
    stack = tff.federated_aggregate(results, zero(), accumulate, merge, report)
    output = tff.federated_map(update, (server_state, stack))
    return output[0], output[1]

  return tff.templates.IterativeProcess(initialize_fn, next_fn)


def _computation(function: Callable[..., Any], *types: tff.Type) -> Any:
  # Inside a tf.function loops and conditions are functional ops; as plain
  # graph ops, TFF's graph transformations cannot sort them.
  traced = tf.function(function, autograph=False)
  return tff.tensorflow.computation(traced, *types)


def tff_type(spec: Any) -> tff.Type:
  """Turns a nest of dicts of `tf.TensorSpec` into a TFF type."""
  if isinstance(spec, dict):
    return tff.to_type(
      Struct((name, tff_type(leaf)) for name, leaf in spec.items())
    )
  return tff.TensorType(spec.dtype.as_numpy_dtype, spec.shape.as_list())
