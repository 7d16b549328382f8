"""The round as one TFF federated computation."""

import collections
import functools
from typing import Any, Callable

import tensorflow_federated as tff

from flsec.federated import client_work, server_step, stacking, state, tracing
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
  return build_exchange(
    initial_state=functools.partial(state.initial_state, plan),
    client_spec=client_work.client_type(plan),
    broadcast_of=functools.partial(state.broadcast_of, plan),
    work=client_work.build_client_work(plan),
    parts=stacking.build_stacking(plan),
    update=server_step.build_server_step(plan),
  )


def build_exchange(
  *,
  initial_state: Callable[[], Any],
  client_spec: Any,
  broadcast_of: Callable[[Any], Any],
  work: Callable[[Any, Any], Any],
  parts: stacking.Stacking,
  update: Callable[[Any, Any], tuple[Any, Any]],
) -> tff.templates.IterativeProcess:
  """Builds the process of one exchange with the clients: there and back.

  Args:
    initial_state: `() -> state`.
    client_spec: of what a client holds.
    broadcast_of: `state -> broadcast`.
    work: `(broadcast, client) -> result`.
    parts: how results become one aggregate.
    update: `(state, aggregate) -> (state, output)`.
  """
  # Each part is traced once, before TFF builds its graph around it: in TFF's
  # own graph `==` would compare tensors by identity, and loops would be no
  # functional ops.
  trace = tracing.trace
  state_spec = tracing.specs_of(initial_state())
  stack_spec = parts.accumulator_type
  sent = trace(broadcast_of, state_spec)
  done = trace(work, sent.structured_outputs, client_spec)

  initialize = _computation(trace(initial_state))
  prepare = _computation(sent, state_spec)
  train = _computation(done, sent.structured_outputs, client_spec)
  zero = _computation(trace(parts.zero))
  accumulate = _computation(
    trace(parts.accumulate, stack_spec, done.structured_outputs),
    stack_spec,
    done.structured_outputs,
  )
  merge = _computation(
    trace(parts.merge, stack_spec, stack_spec), stack_spec, stack_spec
  )
  report = _computation(trace(lambda total: total, stack_spec), stack_spec)
  server = _computation(
    trace(update, state_spec, stack_spec), state_spec, stack_spec
  )

  @tff.federated_computation
  def initialize_fn():
    return tff.federated_eval(initialize, tff.SERVER)

  @tff.federated_computation(
    tff.FederatedType(tff_type(state_spec), tff.SERVER),
    tff.FederatedType(tff_type(client_spec), tff.CLIENTS),
  )
  def next_fn(server_state, clients):
    broadcast = tff.federated_broadcast(
      tff.federated_map(prepare, server_state)
    )
    results = tff.federated_map(train, (broadcast, clients))
    stack = tff.federated_aggregate(results, zero(), accumulate, merge, report)
    output = tff.federated_map(server, (server_state, stack))
    return output[0], output[1]

  return tff.templates.IterativeProcess(initialize_fn, next_fn)


def _computation(traced: Callable[..., Any], *specs: Any) -> Any:
  """Makes a TFF computation of a function traced with these specs."""
  body = (
    lambda: traced(),
    lambda first: traced(first),
    lambda first, second: traced(first, second),
  )[len(specs)]
  return tff.tensorflow.computation(body, *map(tff_type, specs))


def tff_type(spec: Any) -> tff.Type:
  """Turns a nest of dicts of `tf.TensorSpec` into a TFF type."""
  if isinstance(spec, dict):
    return tff.to_type(
      Struct((name, tff_type(leaf)) for name, leaf in spec.items())
    )
  return tff.TensorType(spec.dtype.as_numpy_dtype, spec.shape.as_list())
