"""Logits and gradients of chains of Keras layers in float64, with bounds.

Beside each number goes the variance of what float32 may add to it. A sum of n
terms in float32, in whatever order, is off by `sqrt(n) u sum |terms|` or less
as a deviation (Higham and Mary 2019: roundings have mean 0 and are
independent); a product passes the variance of its factors on. Adding absolute
errors along all paths instead would allow more than the numbers themselves
behind two convolutions. Where a rounding could change which input a maximum
takes, or on which side of 0 a unit is, no bound would hold: such data are
refused.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Optional

import numpy as np
import rounding
import tensorflow as tf

layers = tf.keras.layers
# In deviations: further off, by chance, once in 10^15 numbers.
_FAR = 8.0


@dataclasses.dataclass(frozen=True)
class _Step:
  """One operation: `function(x)`, or `function(x, kernel) + bias`.

  Attributes:
    is_smooth: whether a change of x changes the slope, too; by 1 at most.
  """

  function: Callable
  kernel: Optional[tf.Tensor] = None
  bias: Optional[tf.Tensor] = None
  is_smooth: bool = False
  is_rectifier: bool = False
  pooling: Optional[dict] = None


@dataclasses.dataclass(frozen=True)
class _Rounded:
  """Numbers in float64, and the variance of what float32 makes of them."""

  value: tf.Tensor
  variance: tf.Tensor  # In units of rounding, squared.

  def assert_close(self, found: np.ndarray) -> None:
    """Fails where float32 results are farther off than rounding explains."""
    rounding.assert_within(
      found, self.value, _FAR * rounding.UNIT * np.sqrt(self.variance)
    )


def differentiate(
  model: tf.keras.Model,
  weights: np.ndarray,
  x: np.ndarray,
  y: np.ndarray,
  *,
  factors: Optional[np.ndarray] = None,
) -> tuple[_Rounded, _Rounded]:
  """Returns the logits and the gradient of the mean cross-entropy.

  Args:
    model: a chain of Conv2D, Dense, MaxPooling2D, Flatten and Dropout.
    weights: float32 [d], in the order of the model's weights.
    x: [b, ...].
    y: int [b].
    factors: what the one Dropout layer multiplies its inputs by.

  Returns:
    [b, classes] and [d].
  """
  steps = _steps(model, np.asarray(weights, np.float64), factors)
  inputs = tf.cast(x, tf.float64)
  seen = [_Rounded(inputs, tf.zeros_like(inputs))]
  for step in steps:
    _check_is_stable(step, seen[-1])
    seen.append(_forward(step, seen[-1]))
  logits = seen.pop()
  back, gradients = _gradient_of_cross_entropy(logits, y), []
  for step, one in zip(steps[::-1], seen[::-1]):
    back, *own = _backward(step, one, back)
    gradients = own + gradients
  flat = lambda attribute: tf.concat(
    [tf.reshape(getattr(one, attribute), [-1]) for one in gradients], 0
  )
  return logits, _Rounded(flat('value'), flat('variance'))


def _steps(model, weights, factors) -> list[_Step]:
  steps = []
  for layer in model.layers[1:]:
    own = []
    for shape in [tuple(w.shape) for w in layer.weights]:
      own.append(tf.constant(weights[: math.prod(shape)].reshape(shape)))
      weights = weights[math.prod(shape) :]
    if isinstance(layer, layers.Conv2D):
      steps.append(_Step(_convolution(layer), *own))
    elif isinstance(layer, layers.Dense):
      steps.append(_Step(tf.matmul, *own))
    elif isinstance(layer, layers.MaxPooling2D):
      steps.append(_pooling(layer))
    elif isinstance(layer, layers.Flatten):
      steps.append(_Step(lambda x: tf.reshape(x, [x.shape[0], -1])))
    elif isinstance(layer, layers.Dropout):
      steps.append(_Step(lambda x: x * tf.cast(factors, x.dtype)))
    else:
      raise NotImplementedError(type(layer))
    steps += _activation(layer)
  return steps


def _convolution(layer) -> Callable:
  padding = layer.padding.upper()

  def call(x, kernel):
    # float64 has no gradient of a dilated convolution: so zeros in the kernel.
    for axis, rate in enumerate(layer.dilation_rate):
      kernel = _spread(kernel, axis, rate)
    return tf.nn.conv2d(x, kernel, layer.strides, padding)

  return call


def _spread(kernel: tf.Tensor, axis: int, rate: int) -> tf.Tensor:
  """Puts rate - 1 zeros between the entries of an axis."""
  if rate == 1:
    return kernel
  gap = tf.zeros_like(tf.gather(kernel, [0] * (rate - 1), axis=axis))
  parts = [
    part
    for one in tf.split(kernel, kernel.shape[axis], axis)
    for part in (one, gap)
  ]
  return tf.concat(parts[:-1], axis)


def _pooling(layer) -> _Step:
  options = {
    'ksize': layer.pool_size,
    'strides': layer.strides,
    'padding': layer.padding.upper(),
  }
  return _Step(lambda x: tf.nn.max_pool2d(x, **options), pooling=options)


def _activation(layer) -> list[_Step]:
  linear = tf.keras.activations.linear
  function = getattr(layer, 'activation', linear)
  if function is linear:
    return []
  is_rectifier = function is tf.keras.activations.relu
  return [
    _Step(function, is_smooth=not is_rectifier, is_rectifier=is_rectifier)
  ]


def _forward(step: _Step, one: _Rounded) -> _Rounded:
  x, kernel, variance = one.value, step.kernel, one.variance
  if kernel is not None:
    value = step.function(x, kernel)
    terms = step.function(tf.abs(x), tf.abs(kernel))
    if step.bias is not None:
      value, terms = value + step.bias, terms + tf.abs(step.bias)
    length = math.prod(kernel.shape[:-1]) + 1
    passed = step.function(variance, kernel**2)
    return _Rounded(value, passed + length * terms**2)
  value = step.function(x)
  if step.is_smooth:
    return _Rounded(value, variance + 4 * value**2)  # Slopes are at most 1.
  return _Rounded(
    value, variance if step.is_rectifier else step.function(variance)
  )


def _gradient_of_cross_entropy(logits: _Rounded, y) -> _Rounded:
  p = tf.nn.softmax(logits.value)
  hot = tf.one_hot(y, p.shape[1], dtype=p.dtype)
  # dp_i = p_i (dz_i - sum_j p_j dz_j), and what exp, sum and quotient round.
  others = tf.reduce_sum(p**2 * logits.variance, 1, keepdims=True)
  variance = (
    p**2 * (logits.variance + others + p.shape[1] + 16) + (p - hot) ** 2
  )
  return _Rounded((p - hot) / len(p), variance / len(p) ** 2)


def _backward(step: _Step, one: _Rounded, back: _Rounded) -> list[_Rounded]:
  """Returns gradients to a step's inputs, its kernel and its bias."""
  x, g = one.value, back.value
  if step.kernel is None:
    to_x, variance = (
      _pull(step.function, [x], v)[0] for v in (g, back.variance)
    )
    if step.is_smooth:
      variance += g**2 * (one.variance + 4)
    return [_Rounded(to_x, variance)]
  k = step.kernel
  lengths = math.prod(k.shape[:-2]) * k.shape[-1], math.prod(g.shape[:-1])
  to_x, to_k = _pull(step.function, [x, k], g)
  terms_x, terms_k = _pull(step.function, [tf.abs(x), tf.abs(k)], tf.abs(g))
  passed_x, passed_k = _pull(step.function, [x**2, k**2], back.variance)
  _, of_x = _pull(step.function, [one.variance, k], g**2)
  found = [
    _Rounded(to_x, passed_x + lengths[0] * terms_x**2),
    _Rounded(to_k, passed_k + of_x + lengths[1] * terms_k**2),
  ]
  if step.bias is not None:
    axes = list(range(len(g.shape) - 1))
    terms = tf.reduce_sum(tf.abs(g), axes)
    found.append(
      _Rounded(
        tf.reduce_sum(g, axes),
        tf.reduce_sum(back.variance, axes) + lengths[1] * terms**2,
      )
    )
  return found


def _pull(function, arguments, upstream):
  with tf.GradientTape() as tape:
    tape.watch(arguments)
    value = function(*arguments)
  return tape.gradient(value, arguments, upstream)


def _check_is_stable(step: _Step, one: _Rounded) -> None:
  margin = 2 * _FAR * rounding.UNIT * np.sqrt(one.variance)
  if step.is_rectifier:
    assert (np.abs(one.value) > margin).all(), 'a unit too near to 0'
  if step.pooling:
    # Windows behind a ReLU that are nothing but 0 have no gradient anyway.
    is_read = np.ravel(step.function(one.value)) != 0
    values = np.sort(_windows(one.value, step.pooling)[is_read], axis=1)
    margins = _windows(margin, step.pooling)[is_read].max(axis=1)
    gaps = values[:, -1] - values[:, -2]
    assert (gaps > margins).all(), 'two values of a window too near'


def _windows(x: np.ndarray, pooling: dict) -> np.ndarray:
  """Returns what each output of a pooling takes the maximum of, a row each."""
  rows, columns = pooling['ksize']
  low = np.min(x) - 1  # What pads is 0 in the patches: the smallest, then.
  patches = tf.image.extract_patches(
    x - low,
    sizes=[1, rows, columns, 1],
    strides=[1, *pooling['strides'], 1],
    rates=[1] * 4,
    padding=pooling['padding'],
  )
  apart = np.reshape(patches, [-1, rows * columns, x.shape[-1]])
  return np.moveaxis(apart, 1, 2).reshape(-1, rows * columns) + low
