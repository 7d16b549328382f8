"""Tracing outside TFF's graphs."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_federated as tff

from flsec.federated import tracing


def test_comparisons_mean_values_inside_a_tff_computation():
  types = []

  def is_two(x):
    types.append(type(x == 2))
    return x == 2

  traced = tracing.trace(is_two, tf.TensorSpec([3], tf.int32))
  comp = tff.tensorflow.computation(
    lambda x: traced(x), tff.TensorType(np.int32, [3])
  )
  assert comp.type_signature.result == tff.TensorType(np.bool_, [3])
  # The same function, traced by TFF, compares identities.
  tff.tensorflow.computation(
    lambda x: tf.constant(is_two(x)), tff.TensorType(np.int32, [3])
  )
  assert types[-1] is bool and types[0] is not bool


def test_specs_of_a_structure():
  found = tracing.specs_of((tf.zeros([2, 3]), {'a': tf.constant(1)}))
  expected = tf.TensorSpec([2, 3], tf.float32), tf.TensorSpec([], tf.int32)
  assert found == (expected[0], {'a': expected[1]})


def test_inside_a_computation_it_is_refused():
  def inside():
    return tracing.trace(lambda: tf.constant(1))()

  with pytest.raises(RuntimeError, match='inside a TFF computation'):
    tff.tensorflow.computation(inside)
