"""Whether two runs are the same bits."""

import numpy as np

from flsec.experiment import metric_rows


def check(found, expected):
  """Compares two folders of finished runs: rows and weights."""
  assert _untimed(found) == _untimed(expected)
  last = sorted((expected / 'checkpoints').glob('*.npz'))[-1].name
  files = [path / 'checkpoints' / last for path in (found, expected)]
  with np.load(files[0]) as one, np.load(files[1]) as other:
    assert one.files == other.files
    assert all(one[key].tobytes() == other[key].tobytes() for key in one.files)


def _untimed(folder):
  rows = metric_rows.read_rows(folder / 'metrics.jsonl')
  return [
    {name: repr(v) for name, v in row.items() if not name.startswith('time/')}
    for row in rows
  ]
