"""Parts of a graph on one thread."""

import pytest
import tensorflow as tf

from flsec.federated.one_thread import on_one_thread


def _calls(function, *specs):
  """Returns the function calls in a traced function's graph."""
  graph = tf.function(function, autograph=False).get_concrete_function(*specs)
  return [op for op in graph.graph.get_operations() if 'Call' in op.type]


def test_captures_what_it_needs_and_returns_what_the_function_does():
  outside = tf.constant(3.0)

  @tf.function(autograph=False)
  def run(values):
    scaled, count = on_one_thread(
      lambda holder: (holder['x'] * outside, tf.size(holder['x']))
    )({'x': values})
    return scaled + 1.0, count

  scaled, count = run(tf.constant([1.0, 2.0]))
  assert scaled.numpy().tolist() == [4, 7]
  assert count.numpy() == 2


def test_the_graph_says_so():
  (call,) = _calls(
    on_one_thread(lambda x: x * 2.0), tf.TensorSpec([2], tf.float32)
  )
  assert call.get_attr('executor_type') == b'SINGLE_THREADED_EXECUTOR'
  name = call.get_attr('f').name
  function = call.graph._get_function(name)
  assert function.cached_definition.attr['_noinline'].b


@pytest.mark.parametrize('is_off', [True, False])
def test_what_the_process_is_set_to_does_not_matter(is_off):
  """Grappler may change how numbers round."""
  before = tf.config.optimizer.get_experimental_options()
  off = {'disable_meta_optimizer': is_off}
  tf.config.optimizer.set_experimental_options(off)
  try:
    (call,) = _calls(
      on_one_thread(lambda x: x * 2.0), tf.TensorSpec([2], tf.float32)
    )
  finally:
    back = before.get('disable_meta_optimizer', False)
    tf.config.optimizer.set_experimental_options(
      {'disable_meta_optimizer': back}
    )
  config = tf.compat.v1.ConfigProto.FromString(call.get_attr('config_proto'))
  assert config.graph_options.rewrite_options.disable_meta_optimizer


def test_loops_and_conditions_work_inside():
  def step(value):
    value = tf.cond(value > 3.0, lambda: value * 2.0, lambda: value + 1.0)
    return tf.while_loop(
      lambda index, _: index < 3,
      lambda index, value: (index + 1, value + 1.0),
      (0, value),
    )[1]

  @tf.function(autograph=False)
  def run(value):
    return tf.while_loop(
      lambda index, _: index < 2,
      lambda index, value: (index + 1, on_one_thread(step)(value)),
      (0, value),
    )[1]

  # 1 -> 2 -> 5 -> 10 -> 13
  assert run(tf.constant(1.0)).numpy() == 13


def test_outside_a_graph_it_is_the_function():
  seen = []

  def function(value):
    seen.append(value.numpy())
    return value

  assert on_one_thread(function)(tf.constant(2.0)).numpy() == 2
  assert seen == [2]
