"""Runs a process on TFF's own C++ worker, started on this machine."""

from collections.abc import Sequence
from typing import Any

import tensorflow_federated as tff

from flsec.runtime import executors, graph_function, runtime, worker


class TffLocal(runtime.Runtime):
  """Stock TFF: its compiler, its executor, its worker."""

  def __init__(self, process: tff.templates.IterativeProcess):
    super().__init__(process)
    self._worker = worker.Worker()
    self._context = tff.framework.SyncExecutionContext(
      executor_fn=executors.remote_executor_factory(self._worker.target),
      # As TFF's own local context does: weighted means and the like, which
      # stock processes use, become what workers know.
      compiler_fn=tff.backends.native.desugar_and_transform_to_native,
      transform_args=tff.tensorflow.transform_args,
      transform_result=tff.tensorflow.transform_result,
    )

  def initialize(self) -> Any:
    return self._invoke(self.process.initialize)

  def next(self, state: Any, clients: Sequence[Any]) -> tuple[Any, Any]:
    state, metrics = self._invoke(self.process.next, state, list(clients))
    return state, metrics

  def close(self) -> None:
    self._worker.close()

  def _invoke(self, computation: tff.Computation, *args: Any) -> Any:
    with tff.framework.get_context_stack().install(self._context):
      result = computation(*args)
    return _plain(computation.type_signature.result, result)


def _plain(type_spec: tff.Type, value: Any) -> Any:
  """Returns a result in the structure that every runtime uses."""
  leaves = graph_function.flatten(value)
  if isinstance(type_spec, tff.FederatedType):
    return graph_function.pack(type_spec.member, leaves)
  members = [element.member for _, element in _elements(type_spec)]
  packed, start = [], 0
  for member in members:
    count = len(tff.structure.flatten(member))
    packed.append(graph_function.pack(member, leaves[start : start + count]))
    start += count
  return tuple(packed)


def _elements(type_spec: tff.StructType) -> list[tuple[Any, tff.Type]]:
  return list(tff.structure.iter_elements(type_spec))
