"""Bounds of every unit's output, from the range of the model's inputs."""

from typing import NamedTuple

import tensorflow as tf

from flsec.models.layout import Layer, Layout
from flsec.pruning import folding

# A standard score beyond this does not count. It is a convention, not a bound:
# group and layer normalisation have none that a layout could tell.
STANDARD_SCORES = 3.0

# Monotone activations map the ends of an interval to the ends of its image.
MONOTONE = (
  'linear',
  'relu',
  'relu6',
  'sigmoid',
  'hard_sigmoid',
  'tanh',
  'softplus',
  'softsign',
  'elu',
  'selu',
  'exponential',
)
# The others fall to one minimum, (where, value), and rise from there.
_MINIMUM = {
  'gelu': (-0.7517916243750544, -0.16997120747),
  'swish': (-1.2784645427610738, -0.27846454276),
  'silu': (-1.2784645427610738, -0.27846454276),
}


class Interval(NamedTuple):
  """Bounds [low, high], float64 [units] each."""

  low: tf.Tensor
  high: tf.Tensor

  def with_zero(self) -> 'Interval':
    """The smallest interval that holds this one and 0."""
    return Interval(tf.minimum(self.low, 0.0), tf.maximum(self.high, 0.0))


def affine(inputs: Interval, kernel: tf.Tensor, bias: tf.Tensor) -> Interval:
  """Bounds `x @ kernel + bias` for x within `inputs`.

  Args:
    inputs: [fan_in].
    kernel: float64 [fan_in, units].
    bias: float64 [units].
  """
  ends = tf.stack([inputs.low, inputs.high])  # [2, fan_in]
  low, high = tf.unstack(ends @ tf.nn.relu(kernel))
  # A negative weight swaps the ends.
  swapped_high, swapped_low = tf.unstack(ends @ tf.nn.relu(-kernel))
  return Interval(low - swapped_low + bias, high - swapped_high + bias)


def activate(inputs: Interval, activation: str) -> Interval:
  """Bounds `activation(x)` for x within `inputs`.

  Raises:
    ValueError: an activation whose bounds are not known.
  """
  low, high = inputs
  if activation == 'softmax':
    return Interval(tf.zeros_like(low), tf.ones_like(high))
  if activation not in (*MONOTONE, *_MINIMUM):
    raise ValueError(
      f'The bounds of activation {activation!r} are not known; known are '
      f'{", ".join((*MONOTONE, *_MINIMUM, "softmax"))}. Set criterion: '
      "'saliency', which needs none."
    )
  if activation == 'relu6':
    function = tf.nn.relu6
  else:
    function = tf.keras.activations.get(activation)
  ends = function(low), function(high)
  lower = tf.minimum(*ends)
  if activation in _MINIMUM:
    where, value = _MINIMUM[activation]
    inside = tf.logical_and(low < where, high > where)
    lower = tf.where(inside, tf.constant(value, tf.float64), lower)
  return Interval(lower, tf.maximum(*ends))


def unit_intervals(
  weights: tf.Tensor, layout: Layout, input_range: tuple[float, float]
) -> dict[str, Interval]:
  """Bounds what each hidden unit puts out for every legitimate input.

  A dense unit has one interval; a filter one for all its positions, which is
  what pooling and Flatten keep. The input of a conv counts padding zeros in,
  whether the layer pads or not. Normalisation is taken to stand before the
  activation. The addends of a residual block are bounded before and after
  their activations, so that the sum holds for either order.

  Args:
    weights: float [d].
    layout: of the model.
    input_range: (low, high) of the model's inputs.

  Returns:
    Layer name -> interval [units], for every layer but the output.

  Raises:
    ValueError: a layer in front of the first weights changes the inputs.
  """
  if layout.preprocessing:
    raise ValueError(
      f'Layer {layout.preprocessing[0]!r} changes the inputs before the first '
      'weights, so that their range is not known. Do it in the data set (scale '
      "and shift), or set criterion: 'saliency', which needs no range."
    )
  bounds: dict[str, Interval] = {}
  for layer in layout.of_kind('dense', 'conv'):
    if layer.name == layout.output:
      continue
    inputs = _inputs(layout, layer, bounds, input_range)
    kernel, bias = folding.kernel_and_bias(weights, layer)
    if layer.kind == 'conv':
      inputs, kernel = _as_dense(inputs, kernel)
    before = affine(inputs, kernel, bias)
    before = _normalise(before, folding.normalisation(weights, layout, layer))
    bounds[layer.name] = activate(before, layer.activation)
    if layer.tied:
      bounds[layer.name] = _union(before, bounds[layer.name]).with_zero()
  return bounds


def _as_dense(
  inputs: Interval, kernel: tf.Tensor
) -> tuple[Interval, tf.Tensor]:
  """Writes the bounds of a convolution as those of a dense layer.

  Taps of one channel read different positions, so that their positive and
  their negative parts add up apart: two dense inputs a channel.
  """
  space = list(range(kernel.shape.rank - 2))
  rising = tf.reduce_sum(tf.nn.relu(kernel), space)  # [in, out]
  falling = tf.reduce_sum(tf.nn.relu(-kernel), space)
  twice = [tf.concat([end, end], axis=0) for end in inputs.with_zero()]
  return Interval(*twice), tf.concat([rising, -falling], axis=0)


def _inputs(
  layout: Layout,
  layer: Layer,
  bounds: dict[str, Interval],
  input_range: tuple[float, float],
) -> Interval:
  """Bounds what a layer reads: the model's input, or the sum of its sources."""
  fan_in = layer.kernel.shape[-2]
  sources = [other for other in layout.layers if layer.name in other.consumers]
  if not sources:
    return Interval(
      *(tf.fill([fan_in], tf.constant(e, tf.float64)) for e in input_range)
    )
  units = sources[0].units
  if fan_in % units or any(source.units != units for source in sources):
    raise ValueError(
      f'Layer {layer.name!r} reads {fan_in} inputs of layers with '
      f'{[source.units for source in sources]} units; expected one number of '
      'units, and a whole number of positions.'
    )
  low = tf.add_n([bounds[source.name].low for source in sources])
  high = tf.add_n([bounds[source.name].high for source in sources])
  repeats = [fan_in // units]
  return Interval(tf.tile(low, repeats), tf.tile(high, repeats))


def _normalise(inputs: Interval, norm: folding.Normalisation) -> Interval:
  if norm.standardises:
    inputs = Interval(
      tf.fill(tf.shape(inputs.low), tf.constant(-STANDARD_SCORES, tf.float64)),
      tf.fill(tf.shape(inputs.high), tf.constant(STANDARD_SCORES, tf.float64)),
    )
  ends = inputs.low * norm.scale, inputs.high * norm.scale
  return Interval(
    tf.minimum(*ends) + norm.offset, tf.maximum(*ends) + norm.offset
  )


def _union(first: Interval, second: Interval) -> Interval:
  return Interval(
    tf.minimum(first.low, second.low), tf.maximum(first.high, second.high)
  )
