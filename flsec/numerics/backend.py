"""What will run the graph that is being built."""

import functools

import tensorflow as tf
from tensorflow.python.ops import control_flow_util


@functools.lru_cache(maxsize=1)
def has_accelerator() -> bool:
  """Tells whether TensorFlow sees a GPU or a TPU."""
  return any(tf.config.list_physical_devices(kind) for kind in ('GPU', 'TPU'))


def is_compiled() -> bool:
  """Tells whether XLA compiles the graph: what it cannot has to stay out.

  TensorFlow has no public name for it.
  """
  graph = tf.compat.v1.get_default_graph()
  return control_flow_util.GraphOrParentsInXlaContext(graph)
