"""Parts of a graph whose operations run one after the other, on one thread."""

from typing import Any, Callable

import tensorflow as tf
from tensorflow.python.eager import context


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
    with context.function_executor_type('SINGLE_THREADED_EXECUTOR'):
      return body()

  return call
