"""The same rules as the field's torch libraries formulate them.

Imports torch, which flsec does not need: import this only where it is there.
Libraries are named beside what follows them; conventions as in `numpy_rules`.
"""

import itertools
import sys

import torch

from benchmarks import reference_table

_RFA_TOLERANCE = 1e-6


def trimmed_mean(x, f):
  return x.sort(dim=0).values[f : len(x) - f].mean(dim=0)


def krum_order(x, f):
  """Returns rows by ascending Krum score (ByzFL: cdist, squared)."""
  squared = torch.cdist(x, x) ** 2
  scores = squared.sort(dim=1).values[:, 1 : len(x) - f - 1].sum(dim=1)
  return scores.argsort()


def krum(x, f):
  return x[krum_order(x, f)[0]]


def multi_krum(x, f):
  return x[krum_order(x, f)[: len(x) - f - 2]].mean(dim=0)


def nearest_median(x, count):
  """Mean around the median, and Bulyan's second step (ByzFL's Meamed)."""
  away = (x - x.quantile(0.5, dim=0)).abs()
  near = away.topk(count, dim=0, largest=False).indices
  return x.gather(0, near).mean(dim=0)


def bulyan_rows(squared, f):
  """Returns the n - 2 f rows that Krum chooses one after the other."""
  left, chosen = list(range(len(squared))), []
  for _ in range(len(squared) - 2 * f):
    near = squared[left][:, left].sort(dim=1).values
    scores = near[:, 1 : max(len(left) - f - 1, 1)].sum(dim=1)
    chosen.append(left.pop(int(scores.argmin())))
  return chosen


def bulyan(x, f):
  """The paper's; FL-Byzantine-Library chooses at once and trims instead."""
  chosen = bulyan_rows(torch.cdist(x, x) ** 2, f)
  return nearest_median(x[chosen], len(chosen) - 2 * f)


def geometric_median(x):
  """Blades and FL-Byzantine-Library: Weiszfeld's iteration on the rows."""
  z = x.mean(dim=0)
  for _ in range(100):
    weights = 1 / (x - z).norm(dim=1).clamp(min=1e-6)
    new = (weights[:, None] * x).sum(dim=0) / weights.sum()
    done = (new - z).norm() <= _RFA_TOLERANCE * new.norm()
    z = new
    if done:
      break
  return z


def centered_clipping(x, radius):
  """One step from 0 (ByzFL)."""
  differences = x - torch.zeros_like(x[0])
  factors = (radius / differences.norm(dim=1)).clamp(max=1)
  return (differences * factors[:, None]).mean(dim=0)


def clip(x, radius):
  """Scales row after row, in a copy (ByzFL's Clipping and ARC)."""
  rows = x.clone()
  for index, row in enumerate(rows):
    norm = row.norm()
    if norm > radius:
      rows[index] = row * (radius / norm)
  return rows


def norm_clipped_mean(x):
  """To the median norm, which in torch is the lower one."""
  return clip(x, x.norm(dim=1).median()).mean(dim=0)


def arc(x, f):
  """ByzFL's ARC."""
  clipped = int(2 * f / len(x) * (len(x) - f))
  return clip(x, x.norm(dim=1).sort().values[len(x) - clipped - 1])


def cosines(x):
  norms = x.norm(dim=1, keepdim=True)
  return x @ x.T / (norms * norms.T).clamp(min=1e-8)


def densest(closeness, f):
  """AGRAMPLIFIER, but a row's own k nearest instead of all pairs of them."""
  k = len(closeness) - f
  density = closeness.topk(k, dim=1).values.sum(dim=1)
  return density.topk(k).indices


def merged_density(x, f):
  both = torch.cat([densest(cosines(x), f), densest(-torch.cdist(x, x), f)])
  found, counts = both.unique(return_counts=True)
  return x[found[counts > 1]].mean(dim=0)


def gas(x, f, num_groups, base, draw):
  """byzantine-gas and FL-Byzantine-Library: a loop over chunks."""
  order = torch.as_tensor(draw(x.shape[1]))
  scores = torch.zeros(len(x))
  for places in torch.chunk(order, num_groups):
    group = x[:, places]
    scores += (group - base(group, f)).square().sum(dim=-1).sqrt()
  return x[scores.topk(len(x) - f, largest=False).indices].mean(dim=0)


def gas_scores(group, f):
  squared = torch.cdist(group, group).square()
  return squared.topk(len(group) - f - 1, largest=False).values.sum(dim=-1)


def gas_krum(group, f):
  chosen = gas_scores(group, f).topk(len(group) - f, largest=False).indices
  return group[chosen].mean(dim=0)


def gas_bulyan(group, f):
  """With the values gathered, which the published code leaves out."""
  n = len(group)
  chosen = gas_scores(group, f).topk(n - 2 * f, largest=False).indices
  return nearest_median(group[chosen], n - 4 * f)


def dnc(x, f, num_coordinates, draw):
  """Blades, with one iteration instead of 5."""
  drawn = x[:, torch.as_tensor(draw(x.shape[1])[:num_coordinates])]
  centred = drawn - drawn.mean(dim=0)
  direction = torch.linalg.svd(centred, full_matrices=False)[2][0]
  scores = (centred @ direction) ** 2
  return x[scores.argsort()[: len(x) - f]].mean(dim=0)


def foolsgold(x):
  """FL-Byzantine-Library's first round, without its epsilons."""
  unit = torch.nn.functional.normalize(torch.zeros_like(x) + x)
  alike = unit @ unit.T - torch.eye(len(x))
  most = alike.max(dim=1).values.clamp(min=0)
  for i in range(len(x)):
    for j in range(len(x)):
      if i != j and most[i] < most[j]:
        alike[i, j] *= most[i] / most[j]
  weights = (1 - alike.max(dim=1).values).clamp(0, 1)
  weights = weights / weights.max()
  weights = ((weights / (1 - weights)).log() + 0.5).clamp(0, 1)
  return (weights[:, None] * x).sum(dim=0) / weights.sum()


def minimum_diameter(x, f):
  """ByzFL: the first of the tightest subsets."""
  apart = torch.cdist(x, x)
  best, least = None, float('inf')
  for subset in itertools.combinations(range(len(x)), len(x) - f):
    pairs = tuple(zip(*itertools.combinations(subset, 2)))
    diameter = apart[pairs].max()
    if diameter < least:
      best, least = subset, diameter
  return x[list(best)].mean(dim=0)


def mix_neighbors(x, f):
  """ByzFL's NNM, a row at a time: at once it takes [n, n - f, d] floats."""
  near = torch.cdist(x, x).topk(len(x) - f, dim=1, largest=False).indices
  return torch.stack([x[rows].mean(dim=0) for rows in near])


def buckets(x, size, draw):
  """ByzFL, where the rows fill whole buckets."""
  shuffled = x[torch.as_tensor(draw(len(x)))]
  return torch.stack([rows.mean(dim=0) for rows in shuffled.split(size)])


# By the name of the case, as `numpy_rules.NUMPY`.
TORCH = {
  **reference_table.plain_rules(sys.modules[__name__]),
  'median': lambda x, given: x.quantile(0.5, dim=0),
  'centered_clipping': lambda x, given: centered_clipping(x, 1.0),
  'sign_majority': lambda x, given: x.sign().sum(dim=0).sign(),
  'euclidean_density': lambda x, given: x[
    densest(-torch.cdist(x, x), given.f)
  ].mean(dim=0),
  'norm_clipped_mean': lambda x, given: norm_clipped_mean(x),
  'clipping > mean': lambda x, given: clip(x, given.shape.radius).mean(dim=0),
  'arc > mean': lambda x, given: arc(x, given.f).mean(dim=0),
}
