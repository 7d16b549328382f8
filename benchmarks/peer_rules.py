"""Aggregation rules as they are usually written, in NumPy and in torch.

Each takes (updates float32 [n, d], f) and returns [d]. They are what
`benchmarks.aggregators` compares with, so they are written as in the field's
libraries and not tuned.
"""

import numpy as np

_RFA_TOLERANCE = 1e-6


def distances(x):
  """Returns [n, n] squared distances from one float32 Gram matrix."""
  gram = x @ x.T
  squares = np.diag(gram)
  return np.maximum(squares[:, None] + squares[None, :] - 2 * gram, 0)


def krum_order(squared, f):
  """Returns rows by ascending Krum score."""
  scores = np.sort(squared, axis=1)[:, 1 : len(squared) - f - 1].sum(axis=1)
  return np.argsort(scores, kind='stable')


def nearest_median(x, count):
  """Returns the mean of the `count` values closest to each median."""
  away = np.abs(x - np.median(x, axis=0))
  near = np.argpartition(away, count - 1, axis=0)[:count]
  return np.take_along_axis(x, near, axis=0).mean(axis=0)


def bulyan(x, f):
  squared, left, chosen = distances(x), list(range(len(x))), []
  for _ in range(len(x) - 2 * f):
    near = np.sort(squared[np.ix_(left, left)], axis=1)
    scores = near[:, 1 : max(len(left) - f - 1, 1)].sum(axis=1)
    chosen.append(left.pop(int(np.argmin(scores))))
  return nearest_median(x[chosen], len(chosen) - 2 * f)


def geometric_median(x, f):
  del f
  z = x.mean(axis=0)
  for _ in range(100):
    weights = 1 / np.maximum(np.linalg.norm(x - z, axis=1), 1e-6)
    new = weights @ x / weights.sum()
    done = np.linalg.norm(new - z) <= _RFA_TOLERANCE * np.linalg.norm(new)
    z = new
    if done:
      break
  return z


def clipped(x, radius):
  norms = np.linalg.norm(x, axis=1)
  return (x * np.minimum(1, radius / norms)[:, None]).mean(axis=0)


def densest(closeness, f):
  k = len(closeness) - f
  density = np.sort(closeness, axis=1)[:, -k:].sum(axis=1)
  return np.argsort(-density, kind='stable')[:k]


def cosines(x):
  unit = x / np.linalg.norm(x, axis=1, keepdims=True)
  return unit @ unit.T


NUMPY = {
  'mean': lambda x, f: x.mean(axis=0),
  'median': lambda x, f: np.median(x, axis=0),
  'trimmed_mean': lambda x, f: np.sort(x, axis=0)[f : len(x) - f].mean(axis=0),
  'krum': lambda x, f: x[krum_order(distances(x), f)[0]],
  'multi_krum': lambda x, f: x[
    krum_order(distances(x), f)[: len(x) - f - 2]
  ].mean(axis=0),
  'bulyan': bulyan,
  'centered_clipping': lambda x, f: clipped(x, 1.0),
  'geometric_median': geometric_median,
  'sign_majority': lambda x, f: np.sign(np.sign(x).sum(axis=0)),
  'cosine_density': lambda x, f: x[densest(cosines(x), f)].mean(axis=0),
  'euclidean_density': lambda x, f: x[densest(-np.sqrt(distances(x)), f)].mean(
    axis=0
  ),
  'merged_density': lambda x, f: x[
    np.intersect1d(densest(cosines(x), f), densest(-np.sqrt(distances(x)), f))
  ].mean(axis=0),
  'norm_clipped_mean': lambda x, f: clipped(
    x, np.median(np.linalg.norm(x, axis=1))
  ),
  'mean_around_median': lambda x, f: nearest_median(x, len(x) - f),
}


def torch_rules(torch):
  """Returns the peers' torch formulations, on tensors, by rule name."""

  def krum_order_torch(x, f):
    squared = torch.cdist(x, x) ** 2
    scores = squared.sort(dim=1).values[:, 1 : len(x) - f - 1].sum(dim=1)
    return scores.argsort()

  def trimmed(x, f):
    return x.sort(dim=0).values[f : len(x) - f].mean(dim=0)

  def weiszfeld(x, f):
    del f
    z = x.mean(dim=0)
    for _ in range(100):
      weights = 1 / (x - z).norm(dim=1).clamp(min=1e-6)
      new = (weights[:, None] * x).sum(dim=0) / weights.sum()
      done = (new - z).norm() <= _RFA_TOLERANCE * new.norm()
      z = new
      if done:
        break
    return z

  return {
    'mean': lambda x, f: x.mean(dim=0),
    'median': lambda x, f: x.quantile(0.5, dim=0),
    'trimmed_mean': trimmed,
    'krum': lambda x, f: x[krum_order_torch(x, f)[0]],
    'multi_krum': lambda x, f: x[krum_order_torch(x, f)[: len(x) - f - 2]].mean(
      dim=0
    ),
    'geometric_median': weiszfeld,
    'sign_majority': lambda x, f: x.sign().sum(dim=0).sign(),
  }
