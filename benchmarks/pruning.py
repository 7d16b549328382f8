"""What scoring all pairs of a layer costs, against a plain NumPy loop.

Run `python -m benchmarks.pruning [units] [repeats]`. The loop walks the pairs
of a smaller layer one by one (units / 8 of them, each pair's arithmetic in
NumPy); its time per pair is set against that of FLAP on the whole layer, in the
same run. Scores of the smaller layer are compared, so that both do the same
work.
"""

import sys
import time

import numpy as np
import tensorflow as tf

from benchmarks import timing
from flsec import pruning
from flsec.models.flat import FlatModel
from flsec.pruning import criteria, intervals
from flsec.pruning.pruner import PruningContext

_INPUTS, _NEXT, _CLASSES = 784, 512, 10
_LIMIT_SECONDS = 2.0


def _layout(units):
  """Lays out a perceptron whose first hidden layer has `units` units."""
  dense = tf.keras.layers.Dense
  inputs = tf.keras.layers.Input((_INPUTS,))
  x = dense(_NEXT, 'relu')(dense(units, 'relu')(inputs))
  return FlatModel(tf.keras.Model(inputs, dense(_CLASSES)(x))).layout


def _weights(layout, scale=0.03):
  draw = np.random.default_rng(0).normal(scale=scale, size=layout.size)
  return tf.constant(draw, tf.float32)


def _affine(low, high, kernel):
  rising, falling = np.maximum(kernel, 0), np.minimum(kernel, 0)
  return low @ rising + high @ falling, high @ rising + low @ falling


def _loop(low, high, outgoing, kernel):
  """Scores every pair of the first hidden layer, one at a time."""
  size = len(low)
  scores = np.zeros([size, size])
  for a in range(size):
    for b in range(size):
      ends = (
        (low[a] - high[b]) * outgoing[b],
        (high[a] - low[b]) * outgoing[b],
      )
      lows, highs = np.minimum(*ends), np.maximum(*ends)
      lows, highs = _affine(np.minimum(lows, 0), np.maximum(highs, 0), kernel)
      width = max(highs.max(), 0) - min(lows.min(), 0)
      gaps = np.abs(lows[:, None] - lows) + np.abs(highs[:, None] - highs)
      shares = np.mean(1 - gaps / (2 * width) >= 0.9, axis=1)
      entropy = -np.sum(shares * np.log(shares))
      norm = np.sum(highs - lows)
      scores[a, b] = 0.75 / (1 + np.exp(-norm)) + 0.25 / (1 + np.exp(-entropy))
  return scores


def _score(layout):
  """Returns `weights -> (scores, low, high)` of the first hidden layer."""

  def score(weights):
    bounds = intervals.unit_intervals(weights, layout, (0.0, 1.0))
    layer = layout.layers[0]
    criterion = criteria.Criterion('impact')
    scores, _ = criteria.pair_scores(criterion, weights, layout, layer, bounds)
    return scores, *bounds[layer.name]

  return tf.function(score)


def _compare_with_loop(units):
  """Returns the loop's seconds per pair, and how far the scores differ."""
  layout = _layout(units)
  # Small weights: the sigmoids are far from saturated.
  weights = _weights(layout, scale=0.003)
  scores, low, high = (result.numpy() for result in _score(layout)(weights))
  kernels = []
  for layer in layout.layers[1:]:
    span = layer.kernel
    part = weights[span.start : span.stop].numpy().astype(np.float64)
    kernels.append(part.reshape(span.shape))
  start = time.perf_counter()
  expected = _loop(low, high, *kernels)
  seconds = time.perf_counter() - start
  return seconds / units**2, np.abs(scores - expected).max()


def main(units: int = 1024, repeats: int = 5) -> None:
  """Prints seconds, the ratio to the loop, and whether the limit holds."""
  per_pair, difference = _compare_with_loop(max(2, units // 8))
  print(f'plain NumPy loop: {per_pair * 1e6:.1f} us a pair')
  print(f'largest difference of the scores: {difference:.1e}')
  layout = _layout(units)
  weights = _weights(layout)
  score = _score(layout)
  seconds = timing.seconds(lambda: score(weights)[0].numpy(), repeats)
  verdict = 'ok' if seconds < _LIMIT_SECONDS else 'TOO SLOW'
  print(
    f'all pairs of {units} units: {seconds:.3f} s, '
    f'{per_pair * units**2 / seconds:.0f} times faster than the loop '
    f'(limit {_LIMIT_SECONDS} s: {verdict})'
  )
  for criterion in ('impact', 'saliency'):
    pruner = pruning.build('flap', criterion=criterion)
    prune = tf.function(
      lambda vector, pruner=pruner: pruner.prune(
        vector, layout, PruningContext()
      )[0]
    )
    seconds = timing.seconds(lambda call=prune: call(weights).numpy(), repeats)
    print(f'flap by {criterion}, both hidden layers: {seconds:.3f} s')


if __name__ == '__main__':
  main(*(int(argument) for argument in sys.argv[1:]))
