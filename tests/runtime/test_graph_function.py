"""Serialised TFF computations as functions of tensors, and nests as leaves."""

import collections

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_federated as tff

from flsec.runtime import graph_function


def _vector():
  return tff.TensorType(np.float32, [3])


class TestImport:
  def test_arguments_and_results_are_leaves_in_order(self):
    pair = collections.OrderedDict(b=np.float32, a=_vector())

    @tff.tensorflow.computation(pair, np.float32)
    def comp(pair, factor):
      return collections.OrderedDict(
        z=pair['a'] * factor, nested=(pair['b'], pair['b'] + 1)
      )

    found = graph_function.graph_function(comp)(
      tf.constant(2.0), tf.constant([1.0, 2.0, 3.0]), tf.constant(10.0)
    )
    assert len(found) == 3
    np.testing.assert_array_equal(found[0], [10, 20, 30])
    assert [leaf.numpy() for leaf in found[1:]] == [2, 3]

  def test_without_arguments(self):
    comp = tff.tensorflow.computation(lambda: tf.constant([1, 2]))
    (found,) = graph_function.graph_function(comp)()
    np.testing.assert_array_equal(found, [1, 2])

  def test_a_call_writes_no_tensor_into_a_message(self, monkeypatch):
    comp = tff.tensorflow.computation(lambda x: x + 1, np.float32)
    function = graph_function.graph_function(comp)
    kind = type(tf.constant(0.0))
    monkeypatch.setattr(
      kind, '__repr__', lambda _: pytest.fail('A tensor was written out.')
    )
    assert function(tf.constant(1.0))[0].numpy() == 2

  def test_functions_of_the_same_name_do_not_clash(self):
    def build(factor):
      @tf.function
      def body(index, value):
        return index + 1, value * factor

      @tff.tensorflow.computation(np.float32)
      def comp(value):
        return tf.while_loop(
          lambda index, _: index < 3, body, (tf.constant(0), value)
        )[1]

      return graph_function.graph_function(comp)

    functions = [build(factor) for factor in (2.0, 3.0)]
    found = [f(tf.constant(1.0))[0].numpy() for f in functions]
    assert found == [8, 27]

  def test_the_same_computation_twice(self):
    comp = tff.tensorflow.computation(
      lambda x: tf.cond(x > 0, lambda: x, lambda: -x), np.float32
    )
    functions = [graph_function.graph_function(comp) for _ in range(2)]
    assert [f(tf.constant(-2.0))[0].numpy() for f in functions] == [2, 2]

  def test_under_xla(self):
    comp = tff.tensorflow.computation(lambda x: x * 2 + 1, _vector())
    imported = graph_function.graph_function(comp)
    compiled = tf.function(lambda x: imported(x), jit_compile=True)
    np.testing.assert_array_equal(compiled(tf.ones([3]))[0], [3, 3, 3])

  def test_a_sequence_is_a_data_set(self):
    @tff.tensorflow.computation(tff.SequenceType(np.int32))
    def total(sequence):
      return sequence.reduce(np.int32(0), lambda a, b: a + b)

    leaves = graph_function.flatten(
      [tf.data.Dataset.range(5).map(lambda x: tf.cast(x, tf.int32))]
    )
    (found,) = graph_function.graph_function(total)(*leaves)
    assert found.numpy() == 10


class TestNests:
  def test_flatten_takes_what_tff_gives(self):
    value = [
      tff.structure.Struct([('a', 1), (None, (2, 3))]),
      {'z': 4, 'a': [5]},
    ]
    assert graph_function.flatten(value) == [1, 2, 3, 4, 5]

  @pytest.mark.parametrize('empty', [(), [], {}])
  def test_nothing_has_no_leaves(self, empty):
    assert graph_function.flatten([empty, 1, empty]) == [1]

  def test_pack_builds_what_the_type_says(self):
    spec = tff.to_type(
      collections.OrderedDict(
        b=np.int32, a=(np.int32, collections.OrderedDict(c=np.int32))
      )
    )
    packed = graph_function.pack(spec, [1, 2, 3])
    assert packed == collections.OrderedDict(b=1, a=(2, {'c': 3}))
    assert graph_function.flatten(packed) == [1, 2, 3]

  def test_a_tensor_is_a_leaf(self):
    assert graph_function.pack(tff.TensorType(np.int32), [7]) == 7
