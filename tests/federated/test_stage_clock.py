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
