"""FedER in float64 NumPy, a client at a time, as the paper's equations say."""

import math

import numpy as np


def top_mask(row, count, order):
  """Marks the `count` entries of largest magnitude; of equals, by `order`."""
  magnitude = np.abs(np.asarray(row, np.float32))
  chosen = np.lexsort((order, magnitude))[::-1][:count]
  mask = np.zeros(len(magnitude), bool)
  mask[chosen] = True
  return mask


def feder(
  updates,
  root,
  fraction,
  order,
  *,
  history=(),
  epsilon=0.05,
  factors=('n1', 'n2', 'n3'),
  additive=False,
):
  """Returns (update, trust, norm to remember) of one round.

  Args:
    updates: [n, d] rows, w_client - w_global.
    root: [d], the server's.
    fraction: p.
    order: [d], which of two equal magnitudes goes first (the higher number).
    history: what earlier rounds have returned to remember.
    epsilon: share of clients taken to be benign.
    factors: which of n1, n2 and n3.
    additive: whether m is the union of the masks.
  """
  updates, root = np.float64(updates), np.float64(root)
  clients, dimension = updates.shape
  count = max(1, math.floor((1 - fraction) * dimension + 0.5))
  root_mask = top_mask(root, count, order)
  root = root * root_mask
  length = np.linalg.norm(root)
  remembered = length / math.sqrt(1 - fraction)
  average = np.mean([*history, remembered])

  kept, cosines, norms, means = [], [], [], []
  for row in updates:
    own = top_mask(row, count, order)
    mask = own | root_mask if additive else own & root_mask
    row, point = row * own * mask, root * mask
    norm = np.linalg.norm(row)
    product = norm * np.linalg.norm(point)
    kept.append(row)
    norms.append(norm)
    cosines.append(row @ point / product if product else 0.0)
    means.append(np.abs(row).sum() / mask.sum() if mask.sum() else 0.0)

  present = sorted(a for a, norm in zip(means, norms) if norm > 0)
  place = min(math.ceil(epsilon * clients - 1e-9), len(present))
  scale = present[place - 1] if present else 0.0
  trust = np.maximum(cosines, 0)
  result = np.zeros(dimension)
  for i in range(clients):
    if not trust[i]:
      continue
    each = {
      'n1': length / norms[i],
      'n2': math.sqrt(1 - fraction) * average / norms[i],
      'n3': scale / means[i],
    }
    factor = max(each[name] for name in factors)
    result += trust[i] / trust.sum() * factor * kept[i]
  return result, trust, remembered
