"""FLAP's scores in plain float64 NumPy loops, and layouts to try them on."""

import math

import numpy as np
import tensorflow as tf

from flsec import pruning
from flsec.models.layout import Layer, Layout, Span
from flsec.pruning.pruner import PruningContext

# The example in the docstrings: W, biases and A of a three-unit hidden layer.
INCOMING = np.array([[1.0, 1.0, 0.0], [0.0, 0.1, 2.0]])
BIAS = np.array([0.0, 0.0, 1.0])
OUTGOING = np.array([[0.5, -0.5], [0.3, 0.2], [1.0, 1.0]])


def perceptron(sizes, activation='relu'):
  """Lays out dense layers 'dense_0', 'dense_1', ... of the given sizes."""
  layers, start = [], 0
  for index, (fan_in, units) in enumerate(zip(sizes, sizes[1:])):
    kernel = Span(start, (fan_in, units))
    bias = Span(kernel.stop, (units,))
    start = bias.stop
    is_last = index == len(sizes) - 2
    layers.append(
      Layer(
        name=f'dense_{index}',
        kind='dense',
        spans={'kernel': kernel, 'bias': bias},
        units=units,
        activation='linear' if is_last else activation,
        consumers=() if is_last else (f'dense_{index + 1}',),
      )
    )
  return Layout(tuple(layers), start, layers[-1].name)


def convolutional(filters=(4, 6), positions=3, hidden=8, classes=5):
  """Lays out conv - norm - conv - flatten - dense - dense."""
  layers, start, channels = [], 0, 2
  for index, units in enumerate(filters):
    last = index == len(filters) - 1
    kernel = Span(start, (3, 3, channels, units))
    bias = Span(kernel.stop, (units,))
    start, channels = bias.stop, units
    layers.append(
      Layer(
        f'conv_{index}',
        'conv',
        {'kernel': kernel, 'bias': bias},
        units,
        'relu',
        ('dense_0',) if last else (f'conv_{index + 1}',),
        () if last else (f'norm_{index}',),
        positions if last else 1,
      )
    )
    if not last:
      gamma = Span(start, (units,))
      beta = Span(gamma.stop, (units,))
      start = beta.stop
      spans = {'gamma': gamma, 'beta': beta}
      layers.append(Layer(f'norm_{index}', 'norm', spans, units))
  for index, (fan_in, units) in enumerate(
    [(positions * channels, hidden), (hidden, classes)]
  ):
    kernel = Span(start, (fan_in, units))
    bias = Span(kernel.stop, (units,))
    start = bias.stop
    consumers = () if index else ('dense_1',)
    activation = 'linear' if index else 'relu'
    spans = {'kernel': kernel, 'bias': bias}
    layers.append(
      Layer(f'dense_{index}', 'dense', spans, units, activation, consumers)
    )
  return Layout(tuple(layers), start, 'dense_1')


def residual():
  """Lays out a stem whose filters an addition ties to a block's second conv."""
  spec = [
    ('stem', 1, ('inner', 'dense'), ('stem', 'second')),
    ('inner', 4, ('second',), ()),
    ('second', 4, ('dense',), ('stem', 'second')),
  ]
  layers, start = [], 0
  for name, channels, consumers, tied in spec:
    kernel = Span(start, (3, 3, channels, 4))
    start = kernel.stop
    layers.append(
      Layer(name, 'conv', {'kernel': kernel}, 4, 'relu', consumers, tied=tied)
    )
  kernel = Span(start, (4, 3))
  layers.append(Layer('dense', 'dense', {'kernel': kernel}, 3))
  return Layout(tuple(layers), kernel.stop, 'dense')


def random_weights(layout, seed=0, scale=0.5):
  """Draws float32 [d]."""
  generator = np.random.default_rng(seed)
  return generator.normal(scale=scale, size=layout.size).astype(np.float32)


def part(weights, span):
  """Returns the span's slice of the vector in its shape, float64."""
  flat = np.asarray(weights)[span.start : span.stop]
  return flat.reshape(span.shape).astype(np.float64)


def example():
  """Returns the docstrings' example as (layout, weights)."""
  layout = perceptron([2, 3, 2])
  pieces = [INCOMING, BIAS, OUTGOING, np.zeros(2)]
  weights = np.concatenate([piece.ravel() for piece in pieces])
  return layout, weights.astype(np.float32)


def scaled(interval, factor):
  """Multiplies an interval by a number."""
  ends = interval[0] * factor, interval[1] * factor
  return min(ends), max(ends)


def affine(intervals, kernel, bias):
  """Pushes intervals through a dense layer, one scalar at a time."""
  results = []
  for unit in range(kernel.shape[1]):
    low = high = bias[unit]
    for row, interval in enumerate(intervals):
      ends = scaled(interval, kernel[row, unit])
      low, high = low + ends[0], high + ends[1]
    results.append((low, high))
  return results


def unit_bounds(weights, layout, input_range=(0.0, 1.0)):
  """Bounds every relu perceptron unit: layer name -> list of intervals."""
  fan_in = layout.layers[0].kernel.shape[0]
  intervals, bounds = [input_range] * fan_in, {}
  for layer in layout.layers[:-1]:
    before = affine(
      intervals, part(weights, layer.kernel), part(weights, layer.bias)
    )
    intervals = [(max(low, 0.0), max(high, 0.0)) for low, high in before]
    bounds[layer.name] = intervals
  return bounds


def sigmoid(value):
  """The logistic function of one number."""
  return 1.0 / (1.0 + math.exp(-value))


def l1_and_entropy(changes, threshold=0.9):
  """Returns (L, ENT) of the logits' change intervals."""
  norm = sum(high - low for low, high in changes)
  top = max(0.0, *(high for _, high in changes))
  bottom = min(0.0, *(low for low, _ in changes))
  width = (top - bottom) or 0.001
  entropy = 0.0
  for low, high in changes:
    similar = 0
    for other_low, other_high in changes:
      distance = abs(low - other_low) + abs(high - other_high)
      similar += 1.0 - 0.5 * distance / width >= threshold - 1e-12
    share = similar / len(changes)
    entropy -= share * math.log(share)
  return norm, entropy


def impact(weights, layout, name, bounds):
  """Scores every ordered pair of a relu perceptron's layer: two [n, n]."""
  index = [layer.name for layer in layout.layers].index(name)
  consumer, *behind = layout.layers[index + 1 :]
  outgoing = part(weights, consumer.kernel)
  units = bounds[name]
  scores = np.full([len(units)] * 2, np.inf)
  norms = np.full([len(units)] * 2, np.inf)
  for a, kept in enumerate(units):
    for b, removed in enumerate(units):
      difference = kept[0] - removed[1], kept[1] - removed[0]
      changes = [scaled(difference, weight) for weight in outgoing[b]]
      for layer in behind:
        changes = [(min(lo, 0.0), max(hi, 0.0)) for lo, hi in changes]
        kernel = part(weights, layer.kernel)
        changes = affine(changes, kernel, np.zeros(layer.units))
      norms[a, b], entropy = l1_and_entropy(changes)
      scores[a, b] = 0.75 * sigmoid(norms[a, b]) + 0.25 * sigmoid(entropy)
  return scores, norms


def saliency(incoming, bias, outgoing):
  """Scores every ordered pair (a kept, b removed): [n, n]."""
  size = len(bias)
  scores = np.zeros([size, size])
  for a in range(size):
    for b in range(size):
      total = bias[a] + bias[b]
      ratio = abs((bias[a] - bias[b]) / total) if total else 0.0
      distance = np.linalg.norm(incoming[:, a] - incoming[:, b])
      scores[a, b] = (distance + ratio) * np.linalg.norm(outgoing[b])
  return scores


def greedy_pairs(scores, norms, count):
  """Returns disjoint (removed, partner) pairs by ascending score, then norm."""
  size = len(scores)
  pairs = [(a, b) for a in range(size) for b in range(size) if a != b]
  pairs.sort(key=lambda p: (round(scores[p], 12), norms[p], p))
  used, picked = set(), []
  for a, b in pairs:
    if len(picked) < count and not used & {a, b}:
      used |= {a, b}
      picked.append((b, a))
  return picked


def prune(layout, weights, input_range=(0.0, 1.0), **options):
  """Prunes once: weights, mask, record as NumPy."""
  pruner = pruning.build('flap', **options)
  context = PruningContext(input_range=input_range)
  result = pruner.prune(tf.constant(weights), layout, context)
  return tf.nest.map_structure(lambda tensor: tensor.numpy(), result)
