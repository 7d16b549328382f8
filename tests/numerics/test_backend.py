"""What a graph is built for."""

import tensorflow as tf

from flsec.numerics import backend


def _probe(found):
  def function(x):
    found.append(backend.is_compiled())
    return tf.while_loop(
      lambda i, _: i < 2,
      lambda i, y: (found.append(backend.is_compiled()) or i + 1, y + 1.0),
      (0, x),
    )[1]

  return function


def test_what_xla_compiles_is_told_from_the_rest():
  found = []
  assert not backend.is_compiled()
  tf.function(_probe(found), autograph=False)(tf.constant(1.0))
  assert not any(found) and found
  found.clear()
  tf.function(_probe(found), jit_compile=True, autograph=False)(
    tf.constant(1.0)
  )
  assert all(found) and found


def test_in_a_bare_graph_and_from_outside_too():
  found = []
  inner = tf.function(_probe(found), autograph=False)
  with tf.Graph().as_default():
    tf.function(_probe(found), jit_compile=True, autograph=False)(1.0)
  tf.function(lambda x: inner(x), jit_compile=True, autograph=False)(
    tf.constant(1.0)
  )
  assert all(found) and len(found) >= 4
