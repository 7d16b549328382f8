"""Keras' random layers, drawing from the seed of a call instead.

Keras' own draw from a generator with a state: a run could not be repeated.
A `seed` argument of the Keras layer plays no part; the run's seed decides.
"""

import math
from typing import Any, Optional

import tensorflow as tf

# As in Klambauer et al., NeurIPS 2017, and in Keras.
_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717


class RandomLayer(tf.keras.layers.Layer):
  """A layer that changes its inputs at random while training.

  Attributes:
    trace: the `Trace` of the call that is under way, or None.
  """

  def __init__(self, original: tf.keras.layers.Layer, index: int):
    """Takes over what a layer of Keras does.

    Args:
      original: the layer of Keras.
      index: apart from that of every other random layer of the model.
    """
    super().__init__(name=original.name, dtype='float32')
    self.index = index
    self.trace: Any = None

  @property
  def is_idle(self) -> bool:
    """Whether the layer changes nothing."""
    raise NotImplementedError

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Changes the inputs where `training`.

    Raises:
      ValueError: the trace holds no seed.
    """
    if not training or self.is_idle:
      return inputs
    if self.trace.seed is None:
      raise ValueError(
        f'Layer {self.name!r} drops units: training needs a seed, int [2].'
      )
    # A round's seeds are int64, those of a rule or an attack int32.
    seed = self.trace.seed + tf.constant([0, self.index], self.trace.seed.dtype)
    return self.changed(inputs, seed)

  def changed(self, inputs: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Returns the inputs, changed by what `seed` [2] draws."""
    raise NotImplementedError


class Dropout(RandomLayer):
  """Dropout; of whole channels where Keras' layer is a SpatialDropout."""

  def __init__(self, original: tf.keras.layers.Dropout, index: int):
    super().__init__(original, index)
    self.rate = original.rate
    self._noise_shape = _noise_shape(original)

  @property
  def is_idle(self) -> bool:
    return not self.rate

  def changed(self, inputs: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    shape = _filled(self._noise_shape, inputs)
    return tf.nn.experimental.stateless_dropout(
      inputs, self.rate, seed, noise_shape=shape
    )


class AlphaDropout(RandomLayer):
  """Dropout to the negative saturation value, mean and variance kept."""

  def __init__(self, original: tf.keras.layers.AlphaDropout, index: int):
    super().__init__(original, index)
    self.rate = original.rate
    self._noise_shape = _noise_shape(original)

  @property
  def is_idle(self) -> bool:
    return not 0.0 < self.rate < 1.0

  def changed(self, inputs: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    shape = _filled(self._noise_shape, inputs)
    shape = tf.shape(inputs) if shape is None else shape
    draw = tf.random.stateless_uniform(shape, seed)
    kept = tf.cast(draw >= self.rate, inputs.dtype)
    low = -_SELU_ALPHA * _SELU_SCALE
    factor = ((1.0 - self.rate) * (1.0 + self.rate * low**2)) ** -0.5
    return factor * (inputs * kept + low * (1.0 - kept) - low * self.rate)


class GaussianDropout(RandomLayer):
  """Multiplication by noise of mean 1 and variance rate / (1 - rate)."""

  def __init__(self, original: tf.keras.layers.GaussianDropout, index: int):
    super().__init__(original, index)
    self.rate = original.rate

  @property
  def is_idle(self) -> bool:
    return not 0.0 < self.rate < 1.0

  def changed(self, inputs: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    deviation = math.sqrt(self.rate / (1.0 - self.rate))
    noise = tf.random.stateless_normal(tf.shape(inputs), seed)
    return inputs * (1.0 + deviation * noise)


class GaussianNoise(RandomLayer):
  """Addition of noise of mean 0."""

  def __init__(self, original: tf.keras.layers.GaussianNoise, index: int):
    super().__init__(original, index)
    self.deviation = float(original.stddev)

  @property
  def is_idle(self) -> bool:
    return not self.deviation

  def changed(self, inputs: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    noise = tf.random.stateless_normal(tf.shape(inputs), seed)
    return inputs + self.deviation * noise


def _noise_shape(
  layer: tf.keras.layers.Layer,
) -> Optional[tuple[Optional[int], ...]]:
  """Returns the shape of what is drawn, None for the inputs' sizes."""
  for rank, kind in enumerate(_SPATIAL, start=1):
    if isinstance(layer, kind):
      return (None, *[1] * rank, None)
  return layer.noise_shape and tuple(layer.noise_shape)


def _filled(
  shape: Optional[tuple[Optional[int], ...]], inputs: tf.Tensor
) -> Optional[list[Any]]:
  if shape is None:
    return None
  sizes = tf.unstack(tf.shape(inputs))
  return [own if one is None else one for one, own in zip(shape, sizes)]


_SPATIAL = (
  tf.keras.layers.SpatialDropout1D,
  tf.keras.layers.SpatialDropout2D,
  tf.keras.layers.SpatialDropout3D,
)
_OURS = {
  tf.keras.layers.Dropout: Dropout,
  **dict.fromkeys(_SPATIAL, Dropout),
  tf.keras.layers.AlphaDropout: AlphaDropout,
  tf.keras.layers.GaussianDropout: GaussianDropout,
  tf.keras.layers.GaussianNoise: GaussianNoise,
}
# In front of a layer, these leave its units where they are.
KERAS_LAYERS = tuple(_OURS)


def seeded(layer: tf.keras.layers.Layer, index: int) -> Optional[RandomLayer]:
  """Returns the seeded twin of a random layer of Keras; None for any other."""
  ours = _OURS.get(type(layer))
  return ours(layer, index) if ours else None


def check_random(layer: tf.keras.layers.Layer) -> None:
  """Refuses a layer that draws random numbers in a way of its own.

  Raises:
    ValueError: naming the layers that draw from a run's seed.
  """
  for inner in layer._flatten_layers():
    draws = isinstance(inner, tf.keras.__internal__.layers.BaseRandomLayer)
    if draws and (inner is not layer or type(inner) not in _OURS):
      raise ValueError(
        f'Layer {layer.name!r} ({type(inner).__name__}) draws random numbers '
        'that no seed of the run decides. Use '
        f'{", ".join(kind.__name__ for kind in _OURS)}, or change the '
        'examples in the data set.'
      )
