"""Parts of a graph that XLA compiles on their own."""

from typing import Any, Callable

import tensorflow as tf


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
  """Wraps a function of tensors so that XLA compiles it within any graph.

  Args:
    function: of tensors, and of anything else that holds tensors; they are
      captured, so they need no signature.
  """

  def call(*args: Any) -> Any:
    body = tf.function(
      lambda: function(*args), jit_compile=True, autograph=False
    )
    return body()

  return call
