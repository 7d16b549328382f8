"""How a learning rate falls from round to round."""

import math

import tensorflow as tf

from flsec.config.schedule import ScheduleConfig


def factor(config: ScheduleConfig, round_number: tf.Tensor) -> tf.Tensor:
  """Returns what the learning rate is multiplied by in a round.

  With t the round, from 1 on, T = rounds[0] and gamma = factor:

  * steps: gamma to the number of `rounds` that t has reached;
  * cosine: (1 + cos(pi min(t - 1, T) / T)) / 2;
  * exponential: gamma^((t - 1) / T).

  Args:
    config: the schedule; not `constant`.
    round_number: int32, t.

  Returns:
    float32.

  Raises:
    ValueError: the schedule is constant.
  """
  if config.name == 'steps':
    reached = tf.reduce_sum(
      tf.cast(round_number >= tf.constant(config.rounds), tf.float32)
    )
    return config.factor**reached
  if config.name not in ('cosine', 'exponential'):
    raise ValueError(f'A schedule that falls is needed; got {config.name!r}.')
  length = float(config.rounds[0])
  before = tf.cast(round_number - 1, tf.float32)
  if config.name == 'exponential':
    return config.factor ** (before / length)
  return (1.0 + tf.cos(math.pi * tf.minimum(before / length, 1.0))) / 2.0
