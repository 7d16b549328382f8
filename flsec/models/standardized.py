"""Inputs of a known mean and spread, as a layer of the model."""

import math
from collections.abc import Sequence
from typing import Optional

import tensorflow as tf


def standardized(
  model: str, inputs: tf.Tensor, standardize: Optional[Sequence[float]]
) -> tf.Tensor:
  """Returns (x - mean) / deviation of a model's inputs x.

  A layer of the model, not of the data: whoever stamps, bounds or exports
  inputs goes on doing so in units of x.

  Args:
    model: its name, for the message.
    inputs: a Keras tensor.
    standardize: (mean, deviation) over all entries; None: x as it is.

  Raises:
    ValueError: they are no two finite numbers, or the second is not above 0.
  """
  if standardize is None:
    return inputs
  if (
    len(standardize) != 2
    or not all(math.isfinite(value) for value in standardize)
    or standardize[1] <= 0
  ):
    raise ValueError(
      f'{model}: standardize is (mean, deviation), the deviation above 0; got '
      f'{list(standardize)}. Leave it out for inputs as they are.'
    )
  mean, deviation = standardize
  return tf.keras.layers.Rescaling(
    1 / deviation, -mean / deviation, name='standardized'
  )(inputs)
