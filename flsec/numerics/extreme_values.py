"""Which numbers lie many standard deviations from their mean."""

import tensorflow as tf


def spread(
  values: tf.Tensor, is_present: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns how far each value is from the mean, and the deviation.

  mu and sigma (population) are taken over the values that are present, in
  float64: a float32 sum of squares would move the bounds with the order of the
  values.

  Args:
    values: float [k].
    is_present: bool [k].

  Returns:
    |values - mu|, float64 [k], and sigma, a float64 scalar; 0 where no value
    is present.
  """
  values = tf.cast(values, tf.float64)
  present = tf.cast(is_present, tf.float64)
  count = tf.maximum(tf.reduce_sum(present), 1.0)
  kept = tf.where(is_present, values, tf.zeros_like(values))
  mean = tf.reduce_sum(kept) / count
  squares = tf.where(is_present, (values - mean) ** 2, tf.zeros_like(values))
  return tf.abs(values - mean), tf.sqrt(tf.reduce_sum(squares) / count)


def are_extreme(
  values: tf.Tensor, is_present: tf.Tensor, num_deviations: float
) -> tf.Tensor:
  """Tells which values lie outside [mu - D sigma, mu + D sigma], bool [k].

  A value on a bound is none of them, nor is one that is not present.

  Args:
    values: float [k].
    is_present: bool [k]; mu and sigma are over these (see `spread`).
    num_deviations: D.
  """
  distance, deviation = spread(values, is_present)
  return tf.logical_and(is_present, distance > num_deviations * deviation)
