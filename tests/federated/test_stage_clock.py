"""Tests of the clock inside a graph."""

import tensorflow as tf

from flsec.federated.stage_clock import StageClock


@tf.function(autograph=False)
def _staged(x):
  clock = StageClock()
  x = clock.start(x)
  busy = tf.while_loop(
    lambda i, _: i < 300, lambda i, a: (i + 1, tf.tanh(a @ a)), (0, x)
  )[1]
  busy = clock.end('busy', busy)
  idle = clock.end('idle', busy)
  return idle, clock.seconds


def test_a_stage_takes_the_time_of_its_work():
  _staged(tf.ones([64, 64]))
  value, seconds = _staged(tf.ones([64, 64]))
  assert value.shape == [64, 64]
  assert sorted(seconds) == ['busy', 'idle']
  assert float(seconds['busy']) > float(seconds['idle']) >= 0.0


def test_values_pass_unchanged():
  value = tf.constant([1.0, 2.0])
  clock = StageClock()
  assert (clock.end('one', clock.start(value)) == value).numpy().all()


def test_a_clock_that_does_not_run_has_no_time_and_no_op():
  @tf.function(autograph=False)
  def staged(x):
    clock = StageClock(runs=False)
    x = clock.end('one', clock.start(x))
    return x, clock.seconds

  graph = staged.get_concrete_function(tf.TensorSpec([2])).graph
  assert 'Timestamp' not in [op.type for op in graph.get_operations()]
  value, seconds = staged(tf.constant([1.0, 2.0]))
  assert value.numpy().tolist() == [1.0, 2.0] and seconds == {}
