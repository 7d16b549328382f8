"""A gRPC channel to a worker that notices when the worker is gone."""

from typing import Any, Callable, Optional

import grpc
import tensorflow_federated as tff
from absl import logging
from tensorflow_federated.proto.v0 import (
  computation_pb2,
  executor_pb2,
  executor_pb2_grpc,
)

from flsec.runtime import executors

ANSWER_SECONDS = 30.0
# What a worker that is gone, hangs or was started anew answers; any other error
# is one of the computation, which no other worker would do better.
_LOST = (
  grpc.StatusCode.CANCELLED,
  grpc.StatusCode.DEADLINE_EXCEEDED,
  grpc.StatusCode.FAILED_PRECONDITION,
  grpc.StatusCode.UNAVAILABLE,
  grpc.StatusCode.UNIMPLEMENTED,
)


class WorkerError(grpc.RpcError):
  """A worker failed; its text says which and how.

  TFF tries an unavailable worker again without end; this it does not.
  """


class WorkerLostError(WorkerError):
  """A worker is gone, or does not answer."""


class WatchedChannel:
  """What TFF needs of a `grpc.Channel`, every call of which comes to an end.

  A computation may take long, so that a call has no time limit. While one is
  under way the worker is asked now and then for a sign of life instead.
  """

  def __init__(self, target: str, answer_seconds: float = ANSWER_SECONDS):
    """Opens a channel; nothing is sent.

    Args:
      target: `host:port` of a worker.
      answer_seconds: what a worker may take for a sign of life, and how long a
        call waits before it asks for one.
    """
    self.target = target
    self._lost: Optional[WorkerLostError] = None
    self._answer_seconds = answer_seconds
    self._channel = grpc.insecure_channel(target, executors.CHANNEL_OPTIONS)
    self._stub = executor_pb2_grpc.ExecutorGroupStub(self._channel)

  def check(self) -> None:
    """Asks the worker for a sign of life.

    Raises:
      WorkerLostError: it gives none.
    """
    limit = self._answer_seconds
    try:
      answer = self._stub.GetExecutor(_no_clients(), timeout=limit)
      self._stub.DisposeExecutor(
        executor_pb2.DisposeExecutorRequest(executor=answer.executor),
        timeout=limit,
      )
    except grpc.RpcError as error:
      raise WorkerLostError(self._text(error)) from error

  def close(self) -> None:
    """Closes the channel; calls that are under way fail."""
    self._channel.close()

  def subscribe(self, *args: Any, **options: Any) -> None:
    """Passes TFF's wish to hear of the connection on."""
    self._channel.subscribe(*args, **options)

  def unary_unary(self, method: str, *args: Any, **options: Any) -> Any:
    """Returns a watched call of a method."""
    send = self._channel.unary_unary(method, *args, **options)
    if method.endswith('/Dispose'):
      return self._disposing(send)
    return lambda request: self._call(send, request)

  def _call(self, send: Any, request: Any) -> Any:
    if self._lost:  # TFF tidies up: not to be waited for once more.
      raise self._lost
    future = send.future(request)
    try:
      return self._answer(future)
    except WorkerLostError as error:
      self._lost = error
      future.cancel()
      raise

  def _answer(self, future: grpc.Future) -> Any:
    while True:
      try:
        return future.result(self._answer_seconds)
      except grpc.FutureTimeoutError:
        self.check()
      except grpc.FutureCancelledError as error:
        raise WorkerLostError(
          f'{self.target}: the connection was closed'
        ) from error
      except grpc.RpcError as error:
        kind = WorkerLostError if error.code() in _LOST else WorkerError
        raise kind(self._text(error)) from error

  def _disposing(self, send: Any) -> Callable[[Any], Any]:
    def dispose(request: Any) -> Any:
      # Called by finalizers, which cannot raise: a lost worker holds nothing.
      try:
        return self._call(send, request)
      except WorkerError as error:
        logging.debug('Nothing to dispose of: %s', error)
        return executor_pb2.DisposeResponse()

    return dispose

  def _text(self, error: grpc.RpcError) -> str:
    code = error.code()
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
      why = f'no answer within {self._answer_seconds:g} s'
    elif code == grpc.StatusCode.UNIMPLEMENTED:
      why = "what listens there is no TFF worker (it does not know TFF's calls)"
    else:
      why = f'{code.name}: {error.details()}'
    return f'{self.target}: {why}'


def _no_clients() -> executor_pb2.GetExecutorRequest:
  clients = computation_pb2.Placement(uri=tff.CLIENTS.uri)
  cardinality = executor_pb2.Cardinality(placement=clients, cardinality=0)
  return executor_pb2.GetExecutorRequest(cardinalities=[cardinality])
