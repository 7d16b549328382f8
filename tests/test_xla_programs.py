"""The look into programs sees what it is there to see."""

import tensorflow as tf
import xla_programs


def test_a_bound_that_comes_from_the_values_is_compiled_in():
  rows = tf.reshape(tf.range(12.0), [4, 3])
  best = lambda x: tf.argmax(tf.norm(x, axis=1))
  assert xla_programs.is_compiled_once(lambda x: tf.gather(x, best(x)), rows)
  assert not xla_programs.is_compiled_once(lambda x: x[best(x)], rows)
