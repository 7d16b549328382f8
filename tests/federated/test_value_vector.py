"""Structures of tensors as one vector, and back."""

import collections

import numpy as np
import stock_tff
import tensorflow as tf
import tensorflow_federated as tff

from flsec.federated import value_vector

VALUE_TYPE = tff.to_type(
  collections.OrderedDict(
    z=tff.TensorType(np.float32, [2, 2]),
    a=(tff.TensorType(np.float64, []), tff.TensorType(np.float32, [1])),
  )
)


def test_size_counts_all_entries():
  assert value_vector.size(VALUE_TYPE) == 6
  assert value_vector.size(tff.TensorType(np.float32, [3, 4])) == 12


def test_there_and_back():
  unflatten = value_vector.unflattener(VALUE_TYPE)
  flatten = value_vector.flattener(VALUE_TYPE)
  back = tff.tensorflow.computation(unflatten, tff.TensorType(np.float32, [6]))
  value = collections.OrderedDict(
    z=np.array([[1, 2], [3, 4]], np.float32),
    a=(5.0, np.array([6], np.float32)),
  )
  with stock_tff.local_worker():
    vector = flatten(value)
    result = back(vector)
  assert sorted(vector) == [1, 2, 3, 4, 5, 6]
  assert list(result) == ['z', 'a']
  assert back.type_signature.result.is_equivalent_to(VALUE_TYPE)
  np.testing.assert_array_equal(result['z'], value['z'])
  assert result['a'][0] == 5.0 and result['a'][1].tolist() == [6.0]


def test_a_bare_tensor():
  unflatten = value_vector.unflattener(tff.TensorType(np.float32, [2, 1]))
  found = unflatten(tf.constant([1.0, 2.0]))
  assert found.numpy().tolist() == [[1.0], [2.0]]
