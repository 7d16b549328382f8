"""Trains clients on TFF workers of many machines.

TFF's mergeable execution context deals shares of the clients out to the
workers; each worker runs a share by TFF's own executors up to the aggregate of
its clients. The aggregates are merged here, and the server's part of the round
runs here as it does in_process: so the stack of updates crosses the network
once, and nothing of the server leaves this machine but what it broadcasts.
"""

import asyncio
import functools
import math
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from flsec.runtime import executors, graph_function, in_process, watched_channel
from flsec.runtime import fleet as fleet_lib

Leaves = list[Any]
# Several shares a worker: a slow machine takes fewer of them, and a lost worker
# loses less.
_SHARES_PER_WORKER = 4
# A message is held three times while it is read: as bytes, as what was parsed
# and as tensors.
_SHARE_BYTES = 256 * 2**20


class TffRemote(in_process.InProcess):
  """Clients on remote workers, the server in this process."""

  def __init__(
    self,
    process: tff.templates.IterativeProcess,
    *,
    workers: Sequence[str],
    retries: int = 1,
    answer_seconds: float = watched_channel.ANSWER_SECONDS,
  ):
    """Compiles a process and checks that every worker answers.

    Args:
      process: as `InProcess` takes it.
      workers: `host:port` of each worker.
      retries: workers that may fail in one round; others take over.
      answer_seconds: how long a worker may take for a sign of life.

    Raises:
      ConnectionError: a worker does not answer.
      ValueError: the computation has no MapReduceForm.
    """
    super().__init__(process, num_threads=1)
    form = in_process.map_reduce_form(process.next)
    self._share = _share_computation(form)
    self._aggregate_type = form.merge.type_signature.result
    self._broadcast_type = form.prepare.type_signature.result
    self._num_workers = len(workers)
    # One thread a worker: TFF's calls to a worker block their thread.
    self._callers = futures.ThreadPoolExecutor(
      len(workers), thread_name_prefix='flsec-worker'
    )
    self._fleet = fleet_lib.Fleet(
      workers,
      functools.lru_cache(tff.backends.native.transform_to_native_form),
      retries=retries,
      answer_seconds=answer_seconds,
    )

  def close(self) -> None:
    self._fleet.close()
    self._callers.shutdown(wait=True, cancel_futures=True)
    super().close()

  def _totals(
    self, clients: Sequence[Any], broadcast: Leaves
  ) -> Iterator[Leaves]:
    """Yields the aggregate of all clients."""
    self._fleet.start_round()
    places = {id(client): place for place, client in enumerate(clients)}
    errors: list[Exception] = []
    context = tff.framework.MergeableCompExecutionContext(
      [
        _Seat(self._share, self._fleet, self._callers, places, errors)
        for _ in range(len(self._fleet))
      ],
      num_subrounds=self._num_shares(clients, broadcast),
    )
    shares = context.invoke(
      self._share,
      tff.structure.Struct.unnamed(
        graph_function.pack(self._broadcast_type, broadcast), list(clients)
      ),
    )
    if errors:
      raise errors[0]
    # In the order of the clients, whichever worker was first.
    for place in sorted(shares):
      leaves = graph_function.flatten(shares.pop(place))
      yield [tf.convert_to_tensor(leaf) for leaf in leaves]

  def _num_shares(self, clients: Sequence[Any], broadcast: Leaves) -> int:
    """Returns into how many messages the clients of a round are divided.

    Raises:
      ValueError: what goes to or comes from a single client is too large.
    """
    sent = [_num_bytes(graph_function.flatten(client)) for client in clients]
    received = sum(map(_row_bytes, _tensor_types(self._aggregate_type)))
    largest = max(*sent, received, _num_bytes(broadcast))
    if largest > executors.MAX_MESSAGE_BYTES:
      raise ValueError(
        'A gRPC message to or from a TFF worker holds at most '
        f'{executors.MAX_MESSAGE_BYTES / 1e9:.1f} GB; one client of this '
        f'experiment needs {largest / 1e9:.1f} GB. Take a smaller model, or '
        'runtime.context=in_process.'
      )
    whole = max(sum(sent), received * len(clients))
    by_size = math.ceil(whole / _SHARE_BYTES)
    return max(by_size, _SHARES_PER_WORKER * self._num_workers)


class _Seat(tff.framework.AsyncContext):
  """A worker's place in TFF's mergeable context.

  Which worker sits there is chosen for each share anew, so that a failure
  costs a share and not the round. Aggregates keep their share's place, and are
  merged only when all are there: the order in which workers finish changes no
  bit of the sum.
  """

  def __init__(
    self,
    form: tff.framework.MergeableCompForm,
    fleet: fleet_lib.Fleet,
    callers: futures.Executor,
    places: dict[int, int],
    errors: list[Exception],
  ):
    self._form = form
    self._fleet = fleet
    self._callers = callers
    self._places = places
    self._errors = errors

  async def invoke(self, comp: Any, arg: Any) -> dict[int, Any]:
    if comp is self._form.merge:
      return {**arg[0], **arg[1]}
    if comp is self._form.after_merge:
      return arg[1]
    if self._errors:
      return {}  # The round is lost.
    loop = asyncio.get_running_loop()
    try:
      aggregate = await loop.run_in_executor(
        self._callers, self._fleet.run, comp, arg
      )
    except Exception as error:
      # Raised when all seats are done: TFF would leave the others running.
      self._errors.append(error)
      return {}
    return {self._places[id(arg[1][0])]: aggregate}


def _share_computation(form: Any) -> tff.framework.MergeableCompForm:
  """Builds the clients' part of a MapReduceForm, mergeable across workers."""
  aggregate_type = form.merge.type_signature.result
  broadcast_type = tff.FederatedType(
    form.prepare.type_signature.result, tff.SERVER
  )
  client_type = tff.FederatedType(
    form.work.type_signature.parameter[0], tff.CLIENTS
  )
  unchanged = tff.tensorflow.computation(lambda total: total, aggregate_type)

  @tff.federated_computation(broadcast_type, client_type)
  def up_to_merge(broadcast, clients):
    results = tff.federated_map(
      form.work, (clients, tff.federated_broadcast(broadcast))
    )
    return tff.federated_aggregate(
      results[0], form.zero(), form.accumulate, form.merge, unchanged
    )

  @tff.federated_computation(
    up_to_merge.type_signature.parameter,
    tff.FederatedType(aggregate_type, tff.SERVER),
  )
  def after_merge(original, merged):
    del original
    return merged

  return tff.framework.MergeableCompForm(
    up_to_merge=up_to_merge, merge=form.merge, after_merge=after_merge
  )


def _tensor_types(value_type: tff.Type) -> list[tff.TensorType]:
  return [
    leaf
    for leaf in tff.structure.flatten(value_type)
    if isinstance(leaf, tff.TensorType)
  ]


def _row_bytes(tensor_type: tff.TensorType) -> int:
  """Returns the bytes that one client adds to a tensor of the aggregate."""
  sizes = [size or 1 for size in tensor_type.shape]
  return int(np.prod(sizes)) * tf.as_dtype(tensor_type.dtype).size


def _num_bytes(leaves: Sequence[Any]) -> int:
  return sum(np.asarray(leaf).nbytes for leaf in leaves)
