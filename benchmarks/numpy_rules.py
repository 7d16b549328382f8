"""Rules that look at the updates alone, as they are usually written in NumPy.

Each takes updates float32 [n, d] and returns [d]. They are what
`benchmarks.aggregators` compares with, so they are written as in the field's
libraries, in float32, and not tuned. Where libraries differ (neighbours,
medians of an even number, what is averaged), they follow flsec's convention, so
that the results can be compared.
"""

import itertools
import sys

import numpy as np

from benchmarks import reference_table

_RFA_TOLERANCE = 1e-6


def distances(x):
  """Returns [n, n] squared distances from one float32 Gram matrix."""
  gram = x @ x.T
  squares = np.diag(gram)
  return np.maximum(squares[:, None] + squares[None, :] - 2 * gram, 0)


def trimmed_mean(x, f):
  return np.sort(x, axis=0)[f : len(x) - f].mean(axis=0)


def krum_order(squared, f):
  """Returns rows by ascending Krum score."""
  scores = np.sort(squared, axis=1)[:, 1 : len(squared) - f - 1].sum(axis=1)
  return np.argsort(scores, kind='stable')


def krum(x, f):
  return x[krum_order(distances(x), f)[0]]


def multi_krum(x, f):
  return x[krum_order(distances(x), f)[: len(x) - f - 2]].mean(axis=0)


def nearest_median(x, count):
  """Returns the mean of the `count` values closest to each median."""
  away = np.abs(x - np.median(x, axis=0))
  near = np.argpartition(away, count - 1, axis=0)[:count]
  return np.take_along_axis(x, near, axis=0).mean(axis=0)


def bulyan_rows(squared, f):
  """Returns the n - 2 f rows that Krum chooses one after the other."""
  left, chosen = list(range(len(squared))), []
  for _ in range(len(squared) - 2 * f):
    near = np.sort(squared[np.ix_(left, left)], axis=1)
    scores = near[:, 1 : max(len(left) - f - 1, 1)].sum(axis=1)
    chosen.append(left.pop(int(np.argmin(scores))))
  return chosen


def bulyan(x, f):
  chosen = bulyan_rows(distances(x), f)
  return nearest_median(x[chosen], len(chosen) - 2 * f)


def geometric_median(x):
  z = x.mean(axis=0)
  for _ in range(100):
    weights = 1 / np.maximum(np.linalg.norm(x - z, axis=1), 1e-6)
    new = weights @ x / weights.sum()
    done = np.linalg.norm(new - z) <= _RFA_TOLERANCE * np.linalg.norm(new)
    z = new
    if done:
      break
  return z


def clipped_mean(x, radius):
  norms = np.linalg.norm(x, axis=1)
  return (x * np.minimum(1, radius / norms)[:, None]).mean(axis=0)


def median_norm(x):
  """Returns the lower median of the norms; np.median would average two."""
  return np.sort(np.linalg.norm(x, axis=1))[(len(x) - 1) // 2]


def arc_radius(x, f):
  """Returns the norm that ARC clips to."""
  clipped = int(2 * f / len(x) * (len(x) - f))
  return np.sort(np.linalg.norm(x, axis=1))[len(x) - clipped - 1]


def cosines(x):
  unit = x / np.linalg.norm(x, axis=1, keepdims=True)
  return unit @ unit.T


def euclidean_closeness(x):
  return -np.sqrt(distances(x))


def densest(closeness, f):
  """Returns the n - f rows in the densest neighbourhoods of n - f rows."""
  k = len(closeness) - f
  density = np.sort(closeness, axis=1)[:, -k:].sum(axis=1)
  return np.argsort(-density, kind='stable')[:k]


def merged_density(x, f):
  white_lists = densest(cosines(x), f), densest(euclidean_closeness(x), f)
  return x[np.intersect1d(*white_lists)].mean(axis=0)


def gas(x, f, num_groups, base, draw):
  """Gradient splitting; `base(group, f)` is its rule for a group."""
  dimension = x.shape[1]
  order, width = draw(dimension), -(-dimension // num_groups)
  scores = np.zeros(len(x), np.float32)
  for start in range(0, dimension, width):
    group = x[:, order[start : start + width]]
    scores += np.linalg.norm(group - base(group, f), axis=1)
  return x[np.argsort(scores, kind='stable')[: len(x) - f]].mean(axis=0)


def gas_krum(group, f):
  chosen = krum_order(distances(group), f)[: len(group) - f]
  return group[chosen].mean(axis=0)


def gas_bulyan(group, f):
  """As the paper has it; the published code averages distances, not values."""
  chosen = krum_order(distances(group), f)[: len(group) - 2 * f]
  return nearest_median(group[chosen], len(group) - 4 * f)


def dnc(x, f, num_coordinates, draw):
  """Divide and conquer with one iteration (paper), 5 in the libraries."""
  drawn = x[:, draw(x.shape[1])[:num_coordinates]]
  centred = drawn - drawn.mean(axis=0)
  direction = np.linalg.svd(centred, full_matrices=False)[2][0]
  scores = (centred @ direction) ** 2
  return x[np.argsort(scores, kind='stable')[: len(x) - f]].mean(axis=0)


def foolsgold_weights(alike):
  """Turns cosines of the clients' histories into weights, loop by loop."""
  alike = alike - np.eye(len(alike), dtype=np.float32)
  most = alike.max(axis=1)
  for i in range(len(alike)):
    for j in range(len(alike)):
      if i != j and most[i] < most[j]:
        alike[i, j] *= most[i] / most[j]
  weights = np.clip(1 - alike.max(axis=1), 0, 1)
  weights /= weights.max()
  with np.errstate(divide='ignore'):
    return np.clip(np.log(weights / (1 - weights)) + 0.5, 0, 1)


def foolsgold(x):
  """The first round; divides by the sum of the weights, the authors by n."""
  weights = foolsgold_weights(cosines(np.zeros_like(x) + x))
  return weights @ x / weights.sum()


def minimum_diameter(x, f):
  """Of the tightest subsets, the one with the least sum of distances."""
  squared = distances(x)

  def size(subset):
    within = squared[np.ix_(subset, subset)]
    return within.max(), within.sum()

  subsets = itertools.combinations(range(len(x)), len(x) - f)
  return x[list(min(subsets, key=size))].mean(axis=0)


def mix_neighbors(x, f):
  """Nearest-neighbour mixing, a row at a time.

  Indexing with all rows' neighbours at once, as ByzFL does, takes [n, n - f, d]
  floats: 20 GB for 80 clients of 1,000,000 weights.
  """
  near = np.argpartition(distances(x), len(x) - f - 1, axis=1)[:, : len(x) - f]
  return np.stack([x[rows].mean(axis=0) for rows in near])


def buckets(x, size, draw):
  shuffled = x[draw(len(x))]
  starts = range(0, len(x), size)
  return np.stack([shuffled[s : s + size].mean(axis=0) for s in starts])


# By the name of the case; each takes the updates and `aggregator_work.Given`.
NUMPY = {
  **reference_table.plain_rules(sys.modules[__name__]),
  'median': lambda x, given: np.median(x, axis=0),
  'centered_clipping': lambda x, given: clipped_mean(x, 1.0),
  'sign_majority': lambda x, given: np.sign(np.sign(x).sum(axis=0)),
  'euclidean_density': lambda x, given: x[
    densest(euclidean_closeness(x), given.f)
  ].mean(axis=0),
  'norm_clipped_mean': lambda x, given: clipped_mean(x, median_norm(x)),
  'clipping > mean': lambda x, given: clipped_mean(x, given.shape.radius),
  'arc > mean': lambda x, given: clipped_mean(x, arc_radius(x, given.f)),
}
