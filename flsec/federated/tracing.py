"""Functions traced before TFF builds its graph around them.

TFF traces computations in a bare `tf.Graph`, where `==` compares tensors by
identity. A function that was traced outside means what it says.
"""

from typing import Any, Callable

import tensorflow as tf


def trace(function: Callable[..., Any], *specs: Any) -> Callable[..., Any]:
  """Traces a function of tensors; the result can be called in any graph.

  Args:
    function: takes and returns (structures of) tensors.
    *specs: structures of `tf.TensorSpec`, one an argument.

  Returns:
    The concrete function; its `structured_outputs` tell shapes and dtypes.

  Raises:
    RuntimeError: if called while a bare graph is being built.
  """
  if not tf.compat.v1.executing_eagerly_outside_functions():
    raise RuntimeError(
      'flsec.federated.tracing.trace was called inside a TFF computation; '
      'trace before the computation is defined.'
    )
  return tf.function(function, autograph=False).get_concrete_function(*specs)


def specs_of(structure: Any) -> Any:
  """Returns the `tf.TensorSpec` of each tensor in a structure."""
  return tf.nest.map_structure(
    lambda tensor: tf.TensorSpec(tensor.shape, tensor.dtype), structure
  )


def no_grappler() -> tf.compat.v1.ConfigProto:
  """Returns the configuration under which grappler leaves graphs as they are.

  It gains nothing on these graphs (measured), and aborts the process on a loop
  inside a condition.
  """
  config = tf.compat.v1.ConfigProto()
  config.graph_options.rewrite_options.disable_meta_optimizer = True
  return config
