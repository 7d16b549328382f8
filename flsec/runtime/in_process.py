"""Runs a TFF computation in this process, through its MapReduceForm.

TFF documents the MapReduceForm as the way to bring its computations to another
backend: prepare, work, zero, accumulate, merge, report, update. Here each part
is a TensorFlow function; client work runs on a pool of threads, and partial
aggregates are merged in a tree whose shape depends on the number of clients
alone, so that no number depends on the threads.
"""

import time
from collections.abc import Sequence
from concurrent import futures
from typing import Any

import tensorflow as tf
import tensorflow_federated as tff

from flsec.runtime import graph_function, runtime

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
  """The MapReduceForm of a process, on a pool of threads."""

  def __init__(
    self, process: tff.templates.IterativeProcess, *, num_threads: int
  ):
    """Compiles a process.

    Args:
      process: any iterative process whose `next` has a MapReduceForm: one
        broadcast, client work, aggregation, a server update.
      num_threads: clients trained at once.

    Raises:
      ValueError: the computation has no MapReduceForm.
    """
    super().__init__(process)
    # Grappler gains nothing on these graphs (measured), and cannot sort a loop
    # inside a condition; TFF's worker runs without it, too.
    tf.config.optimizer.set_experimental_options(
      {'disable_meta_optimizer': True}
    )
    form = map_reduce_form(process.next)
    self._initialize = graph_function.graph_function(
      tff.backends.mapreduce.get_state_initialization_computation(
        process.initialize, grappler_config=no_grappler()
      )
    )
    self._parts = {
      part: graph_function.graph_function(getattr(form, part))
      for part in _PARTS
    }
    self._state_type = process.next.type_signature.parameter[0].member
    self._num_state = len(tff.structure.flatten(self._state_type))
    self._output_type = process.next.type_signature.result[1].member
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
    broadcast = parts['prepare'](*server_state)
    zero = parts['zero']()

    def train(client: Any) -> list[Any]:
      leaves = graph_function.flatten(client)
      return parts['accumulate'](*zero, *parts['work'](*leaves, *broadcast))

    started = time.perf_counter()
    totals = list(self._pool.map(train, clients))
    trained = time.perf_counter()
    total = self._merged(totals)
    stacked = time.perf_counter()
    results = parts['update'](*server_state, *parts['report'](*total))
    self.stage_seconds = {
      'local_training': trained - started,
      'stacking': stacked - trained,
      'server': time.perf_counter() - stacked,
    }
    return (
      graph_function.pack(self._state_type, results[: self._num_state]),
      graph_function.pack(self._output_type, results[self._num_state :]),
    )

  def _merged(self, totals: list[Any]) -> list[Any]:
    """Merges in pairs: n log n row copies instead of n^2."""
    merge = self._parts['merge']
    while len(totals) > 1:
      merged = []
      totals.reverse()
      while len(totals) > 1:
        # Popped, so that the halves are freed as soon as they are joined.
        merged.append(merge(*totals.pop(), *totals.pop()))
      totals = merged + totals
    return totals[0]

  def close(self) -> None:
    self._pool.shutdown(wait=True, cancel_futures=True)


def map_reduce_form(computation: tff.Computation) -> Any:
  """Returns a computation's MapReduceForm.

  Raises:
    ValueError: it has none; says which runtime can run it.
  """
  try:
    return tff.backends.mapreduce.get_map_reduce_form_for_computation(
      computation, grappler_config=no_grappler()
    )
  except (TypeError, ValueError, NotImplementedError) as error:
    raise ValueError(
      'This computation has no MapReduceForm (one broadcast, client work, '
      'aggregation, a server update), so it cannot run in_process; set '
      f'runtime.context to tff_local. TFF says: {error}'
    ) from error


def no_grappler() -> tf.compat.v1.ConfigProto:
  """Returns the configuration under which TFF leaves graphs as they are.

  TFF would run grappler on each extracted graph, and aborts the process on a
  loop inside a condition; TensorFlow runs grappler when the graph is called.
  """
  config = tf.compat.v1.ConfigProto()
  config.graph_options.rewrite_options.disable_meta_optimizer = True
  return config
