"""Tells inside a graph how long its stages take."""

import tensorflow as tf


class StageClock:
  """Stamps the time between stages of a graph, by control dependencies.

  Attributes:
    seconds: float32 scalars, by stage.
  """

  def __init__(self, *, runs: bool = True) -> None:
    """Starts; one that does not run stamps nothing (XLA knows no time)."""
    self.seconds: dict[str, tf.Tensor] = {}
    self._runs = runs
    self._last = tf.timestamp() if runs else None

  def start(self, value: tf.Tensor) -> tf.Tensor:
    """Starts the first stage when `value` is there; returns `value`."""
    if self._runs:
      self._last, value = _stamped(value)
    return value

  def end(self, stage: str, value: tf.Tensor) -> tf.Tensor:
    """Ends a stage when `value` is there; what follows waits for the stamp."""
    if not self._runs:
      return value
    now, value = _stamped(value)
    self.seconds[stage] = tf.cast(now - self._last, tf.float32)
    self._last = now
    return value


def _stamped(value: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  with tf.control_dependencies([value]):
    now = tf.timestamp()
  with tf.control_dependencies([now]):
    return now, tf.identity(value)
