"""Plain float64 NumPy forms of the rules, written from the definitions."""

import itertools

import numpy as np


def squared_distances(x):
  x = np.asarray(x, np.float64)
  return np.array([[np.sum((a - b) ** 2) for b in x] for a in x])


def trimmed_mean(x, b):
  ranked = np.sort(np.asarray(x, np.float64), axis=0)
  return ranked[b : len(x) - b].mean(axis=0)


def krum_scores(distances, num_neighbors):
  scores = []
  for i, row in enumerate(distances):
    others = np.sort(np.delete(row, i))
    scores.append(others[: max(num_neighbors, 0)].sum())
  return np.array(scores)


def multi_krum(x, f, m):
  x = np.asarray(x, np.float64)
  scores = krum_scores(squared_distances(x), len(x) - f - 2)
  return x[np.argsort(scores, kind='stable')[:m]].mean(axis=0)


def bulyan_choice(x, f, tied):
  """Ties go by `tied`, an order of the clients."""
  distances = squared_distances(x)
  left, chosen = [int(client) for client in tied], []
  for _ in range(len(x) - 2 * f):
    scores = krum_scores(distances[np.ix_(left, left)], len(left) - f - 2)
    chosen.append(left.pop(int(np.argmin(scores))))
  return sorted(chosen)


def mean_nearest_median(x, count):
  x = np.asarray(x, np.float64)
  middle = np.median(x, axis=0)
  result = []
  for column, centre in zip(x.T, middle):
    # A tie takes the lower value.
    ranked = sorted(column, key=lambda value: (abs(value - centre), value))
    result.append(np.mean(ranked[:count]))
  return np.array(result)


def bulyan(x, f, tied):
  chosen = np.asarray(x, np.float64)[bulyan_choice(x, f, tied)]
  return mean_nearest_median(chosen, len(chosen) - 2 * f)


def geometric_median(x, steps=10_000, nu=1e-300, start=None):
  x = np.asarray(x, np.float64)
  z = x.mean(axis=0) if start is None else np.asarray(start, np.float64)
  for _ in range(steps):
    beta = 1.0 / np.maximum(np.linalg.norm(x - z, axis=1), nu)
    z = beta @ x / beta.sum()
  return z


def centered_clipping(x, radius, steps, v):
  x = np.asarray(x, np.float64)
  for _ in range(steps):
    norms = np.linalg.norm(x - v, axis=1)
    factors = np.minimum(1.0, radius / np.maximum(norms, 1e-300))
    v = v + (factors[:, None] * (x - v)).mean(axis=0)
  return v


def cosines(x):
  x = np.asarray(x, np.float64)
  norms = np.linalg.norm(x, axis=1)
  outer = np.outer(norms, norms)
  return np.where(outer > 0, x @ x.T / np.where(outer > 0, outer, 1), 0.0)


def densest(closeness, k, keep, clique=False):
  density = []
  for row in closeness:
    near = np.argsort(-row, kind='stable')[:k]
    density.append(
      closeness[np.ix_(near, near)].sum() if clique else row[near].sum()
    )
  return set(np.argsort(-np.array(density), kind='stable')[:keep].tolist())


def minimum_diameter(x, f):
  x = np.asarray(x, np.float64)
  distances = squared_distances(x)
  subsets = itertools.combinations(range(len(x)), len(x) - f)

  def size(subset):
    within = distances[np.ix_(subset, subset)]
    return round(within.max(), 9), within.sum()

  best = min(subsets, key=size)
  return x[list(best)].mean(axis=0)
