"""A made-up run of several phases."""

import io
import math

import numpy as np

TRAINED = (0.5, 0.9)
# Removed, accuracy, success, control, what the server sees.
PRUNED = (
  (0, 0.90, 1.00, 0.01, 0.91),
  (1, 0.89, 0.99, 0.01, 0.90),
  (2, 0.80, 0.60, 0.02, 0.82),
)
# Delta, weights removed, accuracy, success, control, what the server sees.
ADJUSTED = (
  (math.inf, 0, 0.89, 0.99, 0.01, 0.90),
  (3.0, 4, 0.88, 0.10, 0.01, 0.90),
  (2.5, 9, 0.70, 0.05, 0.03, 0.71),
)


def _tested(accuracy, success, control):
  return {
    'test/accuracy': accuracy,
    'attack/success_rate': success,
    'attack/clean_error_rate': control,
  }


def rows():
  """Returns (round, metrics): two rounds, a search, and another one."""
  found = []
  for number, accuracy in enumerate(TRAINED, start=1):
    named = {'phase': 'train', 'phase/step': number, 'time/round_seconds': 2.0}
    found.append((number, {**named, **_tested(accuracy, 1.0, 0.01)}))
  searches = (
    ('prune', [(None, *one) for one in PRUNED], 1),
    ('adjust', list(ADJUSTED), 1),
  )
  for name, points, kept in searches:
    steps = [*enumerate(points), (None, points[kept])]
    for step, (point, one) in enumerate(steps, start=1):
      delta, removed, accuracy, success, control, score = one
      row = {'phase': name, 'phase/step': step, 'phase/removed': removed}
      if delta is not None:
        row['phase/delta'] = delta
      if point is not None:
        row.update({'phase/point': point, 'phase/score': score})
      row['time/step_seconds'] = 0.25
      found.append((2, {**row, **_tested(accuracy, success, control)}))
  return found


def write_votes(path, kind='ranks'):
  """Writes what four clients said of five channels."""
  reports = np.array(
    [[1, 2, 3, 4, 5], [2, 1, 3, 4, 5], [5, 4, 3, 2, 1], [9, 9, 9, 9, 9]]
  )
  if kind == 'bits':
    reports = np.where(reports > 2, 1, 0)
  buffer = io.BytesIO()
  np.savez(
    buffer,
    layer='conv2',
    kind=kind,
    client_id=np.arange(4),
    is_valid=np.array([True, True, True, False]),
    reports=reports,
    is_malicious=np.array([False, False, True, False]),
    removed_channels=np.array([1]),
  )
  (path / 'votes_1.npz').write_bytes(buffer.getvalue())
