"""Parts of a graph whose operations run one after the other, on one thread."""

import contextlib
from collections.abc import Iterator
from typing import Any, Callable

import tensorflow as tf
from tensorflow.python.eager import context

from flsec.federated import tracing


def on_one_thread(function: Callable[..., Any]) -> Callable[..., Any]:
  """Wraps a function of tensors so that one thread runs its operations.

  TensorFlow's executor hands operations that are ready to a pool of threads. A
  training step is a chain of short ones, and with a client on every core they
  only change cores, away from the cache that holds their inputs.

  Args:
    function: of tensors, and of anything else that holds tensors; they are
      captured, so they need no signature.

  Returns:
    The function; called outside a graph, it is called as it is.
  """

  def call(*args: Any) -> Any:
    if tf.executing_eagerly():
      return function(*args)
    body = tf.function(
      lambda: function(*args),
      autograph=False,
      # Inlined, it would be the pool's again.
      experimental_attributes={'_noinline': True},
    )
    with _calls_on_one_thread():
      return body()

  return call


@contextlib.contextmanager
def _calls_on_one_thread() -> Iterator[None]:
  """Sets what calls of functions traced in the block say of how they run.

  Both are said in the graph, since what the process is set to at the time may
  change: the numbers of a round may not depend on it.
  """
  eager = context.context()
  before = eager.function_call_options
  eager.function_call_options = context.FunctionCallOptions(
    executor_type='SINGLE_THREADED_EXECUTOR', config_proto=tracing.no_grappler()
  )
  try:
    yield
  finally:
    eager.function_call_options = before
