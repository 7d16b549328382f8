"""Tests of parts of a graph that XLA compiles on their own."""

import dataclasses

import tensorflow as tf

from flsec.federated import xla


@dataclasses.dataclass(frozen=True)
class _Holder:
  tensor: tf.Tensor
  name: str = 'anything'


def test_captures_tensors_that_other_objects_hold():
  compiled = xla.compiled(lambda x, holder: x * holder.tensor)

  @tf.function(autograph=False)
  def outer(x, y):
    return compiled(x, _Holder(y))

  assert float(outer(tf.constant(3.0), tf.constant(4.0))) == 12.0


def test_the_part_is_marked_for_xla():
  compiled = xla.compiled(lambda x: x + 1.0)
  outer = tf.function(compiled, autograph=False)
  graph = outer.get_concrete_function(tf.TensorSpec([], tf.float32)).graph
  marks = [
    node.attr['_XlaMustCompile'].b
    for function in graph.as_graph_def().library.function
    for node in [function]
    if '_XlaMustCompile' in function.attr
  ]
  assert True in marks
