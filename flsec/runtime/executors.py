"""TFF executors that talk to a worker, through gRPC."""

from typing import Any

import grpc
import tensorflow_federated as tff

# gRPC messages stop at 2 GB.
MAX_MESSAGE_BYTES = 2 * 1000 * 1000 * 1000
CHANNEL_OPTIONS = (
  ('grpc.max_message_length', MAX_MESSAGE_BYTES),
  ('grpc.max_receive_message_length', MAX_MESSAGE_BYTES),
  ('grpc.max_send_message_length', MAX_MESSAGE_BYTES),
  # Workers are on this machine or in a private network.
  ('grpc.enable_http_proxy', 0),
)


def remote_executor_factory(target: str) -> Any:
  """Returns a TFF executor factory that talks to a worker at a gRPC target."""
  return executor_factory(grpc.insecure_channel(target, CHANNEL_OPTIONS))


def executor_factory(channel: Any) -> Any:
  """Returns a TFF executor factory that talks through a gRPC channel."""
  stub = tff.framework.RemoteExecutorGrpcStub(channel)

  def stack(cardinalities: Any) -> Any:
    executor = tff.framework.RemoteExecutor(stub)
    executor.set_cardinalities({tff.CLIENTS: cardinalities.get(tff.CLIENTS, 0)})
    return executor

  return tff.framework.ResourceManagingExecutorFactory(stack)
