"""Runs a TFF computation in this process, through its MapReduceForm.

TFF documents the MapReduceForm as the way to bring its computations to another
backend: prepare, work, zero, accumulate, merge, report, update. Here each part
is a TensorFlow function; client work runs on a pool of threads, and partial
aggregates are merged in a tree whose shape depends on the number of clients
alone, so that no number depends on the threads.
"""

import collections
import time
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any, Callable

import tensorflow as tf
import tensorflow_federated as tff

from flsec.federated import tracing
from flsec.runtime import compiled_work, graph_function, runtime
from flsec.runtime.device import Device

Leaves = list[Any]
_AHEAD = 2  # Clients submitted before their turn, by thread.
_MERGED_AT_ONCE = 8  # A power of two.
_PARTS = (
  'prepare',
  'work',
  'zero',
  'accumulate',
  'merge',
  'report',
  'update',
)


class InProcess(runtime.Runtime):
  """The MapReduceForm of a process, on a pool of threads or an accelerator."""

  def __init__(
    self,
    process: tff.templates.IterativeProcess,
    *,
    num_threads: int,
    device: Device = Device(),  # noqa: B008 (frozen)
    concatenates: bool = False,
  ):
    """Compiles a process.

    Args:
      process: any iterative process whose `next` has a MapReduceForm: one
        broadcast, client work, aggregation, a server update.
      num_threads: clients trained at once on a CPU.
      device: where client work runs, and whether XLA compiles it.
      concatenates: the process's merge does nothing but concatenate each leaf
        of its two aggregates; then all are joined at once, with one copy.

    Raises:
      UnsupportedProcessError: the computation has no MapReduceForm, or keeps
        variables.
    """
    super().__init__(process)
    # As TFF's worker has it; see tracing.no_grappler.
    tf.config.optimizer.set_experimental_options(
      {'disable_meta_optimizer': True}
    )
    form = map_reduce_form(process.next)
    self._imported: list[str] = []
    self._initialize = graph_function.graph_function(
      tff.backends.mapreduce.get_state_initialization_computation(
        process.initialize, grappler_config=tracing.no_grappler()
      ),
      self._imported,
    )
    self._parts = {
      part: graph_function.graph_function(getattr(form, part), self._imported)
      for part in _PARTS
    }
    self._device = device
    self._concatenates = concatenates
    self._compiled = self._train = None
    if device.uses_xla:
      work = self._parts['work']
      self._compiled = compiled_work.CompiledWork(work, device.name)
    else:
      self._train = _training(self._parts)
    if not concatenates:
      self._merge_many = _merging(self._parts['merge'], _MERGED_AT_ONCE)
    self._state_type = process.next.type_signature.parameter[0].member
    self._num_state = len(tff.structure.flatten(self._state_type))
    self._output_type = process.next.type_signature.result[1].member
    self._num_threads = num_threads
    self._pool = futures.ThreadPoolExecutor(
      num_threads, thread_name_prefix='flsec-client'
    )

  def initialize(self) -> Any:
    return graph_function.pack(self._state_type, self._initialize())

  def next(self, state: Any, clients: Sequence[Any]) -> tuple[Any, Any]:
    if not clients:
      raise ValueError('A round needs at least one client; got none.')
    parts = self._parts
    server_state = graph_function.flatten(state)
    started = time.perf_counter()
    with tf.device(self._device.name):
      broadcast = parts['prepare'](*server_state)
      total, stacking = self._aggregated(clients, broadcast)
      stacked = time.perf_counter()
      reported = parts['report'](*total)
      del total  # The rows live on in `reported` alone.
      results = parts['update'](*server_state, *reported)
    self.stage_seconds = {
      'local_training': stacked - started - stacking,
      'stacking': stacking,
      'server': time.perf_counter() - stacked,
    }
    return (
      graph_function.pack(self._state_type, results[: self._num_state]),
      graph_function.pack(self._output_type, results[self._num_state :]),
    )

  def close(self) -> None:
    self._pool.shutdown(wait=True, cancel_futures=True)
    graph_function.forget(self._imported)

  def _aggregated(
    self, clients: Sequence[Any], broadcast: Leaves
  ) -> tuple[Leaves, float]:
    """Trains the clients; returns their aggregate and the last merges' seconds.

    Aggregates are merged in client order, eight as soon as they are there, and
    the results of that like the digits of a binary counter: 8 + log n live at
    once, and the tree of merges depends on the number of clients alone. Merges
    before the last client's run beside training and count as such. Where
    merging only concatenates, one concatenation of them all holds fewer copies.
    """
    if self._concatenates:
      totals = list(self._totals(clients, broadcast))
      started = time.perf_counter()
      joined = [tf.concat(leaves, axis=0) for leaves in zip(*totals)]
      return joined, time.perf_counter() - started
    digits: list[tuple[int, Leaves]] = []  # (clients in it, aggregate)
    for total in self._totals(clients, broadcast):
      arrived = time.perf_counter()
      digits.append((1, total))
      del total
      last = [size for size, _ in digits[-_MERGED_AT_ONCE:]]
      if last == [1] * _MERGED_AT_ONCE:
        self._merge_last(digits, _MERGED_AT_ONCE)
        while len(digits) > 1 and digits[-1][0] == digits[-2][0]:
          self._merge_last(digits, 2)
    while len(digits) > 1:
      self._merge_last(digits, 2)
    return digits[0][1], time.perf_counter() - arrived

  def _merge_last(self, digits: list[tuple[int, Leaves]], count: int) -> None:
    """Joins the last 2 or 8 aggregates; nothing holds them afterwards."""
    joined = digits[-count:]
    del digits[-count:]
    leaves = [leaf for _, total in joined for leaf in total]
    merge = self._parts['merge'] if count == 2 else self._merge_many
    digits.append((sum(size for size, _ in joined), merge(*leaves)))

  def _totals(
    self, clients: Sequence[Any], broadcast: Leaves
  ) -> Iterator[Leaves]:
    """Yields each client's own aggregate, in the order of the clients."""
    if self._compiled:
      zero = self._parts['zero']()
      rows = [graph_function.flatten(client) for client in clients]
      for result in self._compiled(rows, broadcast):
        yield self._parts['accumulate'](*zero, *result)
      return

    def train(client: Any) -> Leaves:
      return self._train(*graph_function.flatten(client), *broadcast)

    # Not all at once: what waits to be merged has to be bounded.
    waiting: collections.deque = collections.deque()
    for client in clients:
      waiting.append(self._pool.submit(train, client))
      if len(waiting) > _AHEAD * self._num_threads:
        yield waiting.popleft().result()
    while waiting:
      yield waiting.popleft().result()


# One graph where there could be several: each call from Python has its price,
# and Python runs one thread at a time.


def _training(
  parts: dict[str, Callable[..., Leaves]],
) -> Callable[..., Leaves]:
  """Returns a client's work and the aggregate of it alone, as one graph."""

  def train(*leaves: tf.Tensor) -> Leaves:
    return parts['accumulate'](*parts['zero'](), *parts['work'](*leaves))

  (specs, _) = parts['work'].structured_input_signature
  return tf.function(
    train, input_signature=specs, autograph=False
  ).get_concrete_function()


def _merging(merge: Callable[..., Leaves], count: int) -> Callable[..., Leaves]:
  """Returns the merges of a binary tree of `count` aggregates as one graph."""
  (specs, _) = merge.structured_input_signature
  size = len(specs) // 2

  def merge_all(*leaves: tf.Tensor) -> Leaves:
    totals = [leaves[i : i + size] for i in range(0, len(leaves), size)]
    while len(totals) > 1:
      pairs = zip(totals[::2], totals[1::2])
      totals = [merge(*left, *right) for left, right in pairs]
    return totals[0]

  return tf.function(
    merge_all, input_signature=specs[:size] * count, autograph=False
  ).get_concrete_function()


def map_reduce_form(computation: tff.Computation) -> Any:
  """Returns a computation's MapReduceForm.

  Raises:
    UnsupportedProcessError: it has none; says which runtime can run it.
  """
  try:
    form = tff.backends.mapreduce.get_map_reduce_form_for_computation(
      computation, grappler_config=tracing.no_grappler()
    )
  except (TypeError, ValueError, NotImplementedError) as error:
    raise runtime.UnsupportedProcessError(
      'This computation has no MapReduceForm (one broadcast, client work, '
      'aggregation, a server update), so it cannot run in_process; set '
      f'runtime.context to tff_local. TFF says: {error}'
    ) from error
  if form.securely_aggregates_tensors:
    raise runtime.UnsupportedProcessError(
      'This computation sums securely (tff.federated_secure_sum_bitwidth and '
      'the like), which in_process cannot; set runtime.context to tff_local.'
    )
  return form
