"""Inputs of a known mean and spread, as a layer of the model."""

from collections.abc import Sequence
from typing import Optional, Union

import numpy as np
import tensorflow as tf

# A number, or one for each channel.
Moment = Union[float, Sequence[float]]


def standardized(
  model: str, inputs: tf.Tensor, standardize: Optional[Sequence[Moment]]
) -> tf.Tensor:
  """Returns (x - mean) / deviation of a model's inputs x.

  A layer of the model, not of the data: whoever stamps, bounds or exports
  inputs goes on doing so in units of x.

  Args:
    model: its name, for the message.
    inputs: a Keras tensor.
    standardize: (mean, deviation) over all entries, or each a list, of each
      channel; None: x as it is.

  Raises:
    ValueError: they are no two finite numbers, or no lists of as many as there
      are channels, or a deviation is not above 0.
  """
  if standardize is None:
    return inputs
  moments = [np.asarray(value, np.float64) for value in standardize]
  shapes = [value.shape for value in moments]
  if (
    shapes not in ([(), ()], [(inputs.shape[-1],)] * 2)
    or not np.isfinite(moments).all()
    or np.any(moments[1] <= 0)
  ):
    raise ValueError(
      f'{model}: standardize is (mean, deviation), the deviation above 0, each '
      f'a number or a list of {inputs.shape[-1]}, of the channels; got '
      f'{list(standardize)}. Leave it out for inputs as they are.'
    )
  mean, deviation = moments
  return tf.keras.layers.Rescaling(
    (1 / deviation).tolist(), (-mean / deviation).tolist(), name='standardized'
  )(inputs)
