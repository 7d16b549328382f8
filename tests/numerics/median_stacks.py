"""Stacks that are hard for a geometric median, and what the best point costs.

The reference works in float64 on the rows themselves: it tries every row, and
from several starts a quasi-Newton method followed by many of Vardi and Zhang's
steps. What it returns is never below the least cost.
"""

import numpy as np
from scipy import optimize

_STEPS = 200


def cost(x, z):
  return np.linalg.norm(x - z, axis=1).sum()


def least_cost(x):
  """Returns the least cost that was found for rows float64 [n, d]."""
  # Seen from a row among the others, in the unit of their distances.
  origin = x[np.argsort(np.abs(x).max(axis=1))[(len(x) - 1) // 2]]
  x = x - origin
  unit = np.median(np.linalg.norm(x, axis=1))
  unit = unit if unit > 0 else max(np.linalg.norm(x, axis=1).max(), 1e-300)
  x = x / unit
  best_row = min(x, key=lambda row: cost(x, row))
  found = [cost(x, best_row)]
  starts = [x.mean(axis=0), np.median(x, axis=0), _off_row(x, best_row)]
  for start in starts:
    z = _quasi_newton(x, start)
    found.append(cost(x, z))
    for _ in range(_STEPS):
      z = _off_row(x, z)
    found.append(cost(x, z))
  return min(found) * unit


def _quasi_newton(x, start):
  def value_and_gradient(z):
    away = z - x
    distances = np.linalg.norm(away, axis=1)
    unit = away / np.maximum(distances, 1e-300)[:, None]
    return distances.sum(), unit.sum(axis=0)

  return optimize.minimize(
    value_and_gradient,
    start,
    jac=True,
    method='L-BFGS-B',
    options={'maxiter': 500, 'ftol': 1e-16, 'gtol': 1e-12},
  ).x


def _off_row(x, z):
  """Vardi and Zhang's step from z, which may be a row; Equation 2.6."""
  distances = np.linalg.norm(x - z, axis=1)
  elsewhere = distances > 1e-12
  if not elsewhere.any():
    return z
  betas = 1.0 / distances[elsewhere]
  goal = betas @ x[elsewhere] / betas.sum()
  pull = np.linalg.norm(betas @ (x[elsewhere] - z))
  stay = min(1.0, (~elsewhere).sum() / pull) if pull > 0 else 1.0
  return (1 - stay) * goal + stay * z


def stack(number, n=None, d=None):
  """Returns (kind, rows float32 [n, d]) of the given number, in any scale.

  Some kinds leave out a row or two.
  """
  rng = np.random.default_rng([11, number])
  kind = KINDS[number % len(KINDS)]
  n = n or int(rng.integers(3, 26))
  d = d or int(rng.choice([1, 2, 3, 8, 40]))
  x = rng.standard_normal(d) + rng.standard_normal((n, d))
  x = kind(rng, x) * 10.0 ** rng.uniform(-8, 8)
  return kind.__name__.strip('_'), x[rng.permutation(len(x))].astype(np.float32)


def _random(rng, x):
  return x


def _outliers(rng, x):
  far = int(rng.integers(1, max(2, len(x) // 2)))
  x[:far] *= 10.0 ** rng.uniform(0, 6)
  return x


def _mean_on_a_row(rng, x):
  x[0] *= 10.0 ** rng.uniform(-1, 3)
  x[1] = (len(x) - 1) * x[0] - x[2:].sum(axis=0)
  return x


def _zero_client(rng, x):
  x[0] = 0
  return x


def _duplicates(rng, x):
  return x[rng.integers(0, max(1, len(x) // 2), len(x))]


def _one_cluster(rng, x):
  x[: int(rng.integers(1, len(x) + 1))] = x[0]
  return x


def _half_equal(rng, x):
  half = len(x) // 2
  x[:half] = x[0]
  x[half : 2 * half] = x[half]
  return x[: 2 * half]


def _near_copies(rng, x):
  count = int(rng.integers(2, len(x) + 1))
  noise = 10.0 ** rng.uniform(-7, -2) * rng.standard_normal((count, x.shape[1]))
  x[:count] = x[0] + noise
  return x


def _collinear(rng, x):
  return rng.integers(-9, 10, (len(x), 1)) * np.round(8 * x[:1])


def _nearly_collinear(rng, x):
  along = rng.standard_normal((len(x), 1)) * x[:1]
  return along + 10.0 ** rng.uniform(-7, -1) * x


def _barely_off_a_row(rng, x):
  """The others pull at row 0 with a force just above or below its weight."""
  if x.shape[1] < 2 or len(x) < 5:
    return x
  units = rng.standard_normal(x.shape)
  units /= np.linalg.norm(units, axis=1)[:, None]
  force = 1 + rng.choice([-1, 1]) * 10.0 ** rng.uniform(-7, -0.5)
  # Pairs of opposite pulls, then two rows of which the sum has that length.
  paired = len(x) - 3 if (len(x) - 3) % 2 == 0 else len(x) - 4
  units[3 : 3 + paired : 2] = -units[4 : 4 + paired : 2]
  across = units[2] - units[2] @ units[1] * units[1]
  across *= np.sqrt(1 - force**2 / 4) / max(np.linalg.norm(across), 1e-9)
  units[2], units[1] = (
    force / 2 * units[1] - across,
    force / 2 * units[1] + across,
  )
  lengths = 10.0 ** rng.uniform(-1, 1, (len(x), 1))
  rows = x[:1] + lengths * units
  rows[0] = x[0]
  return rows[: 3 + paired]


def _shared_direction(rng, x):
  return x + 10.0 ** rng.uniform(0, 3) * rng.standard_normal(x.shape[1])


KINDS = (
  _random,
  _outliers,
  _mean_on_a_row,
  _zero_client,
  _duplicates,
  _one_cluster,
  _half_equal,
  _near_copies,
  _collinear,
  _nearly_collinear,
  _barely_off_a_row,
  _shared_direction,
)
