"""What loggers are shown of a round besides its numbers."""

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np

from flsec.experiment import cell_map
from flsec.experiment.metric_writer import MetricWriter

# Of a run of many rounds, so many are shown, evenly.
_MOST_ROUNDS = 50


def is_shown(round_number: int, num_rounds: int) -> bool:
  """Tells whether a round is one of those that are shown."""
  every = -(-num_rounds // _MOST_ROUNDS)
  return round_number % every == 0 or round_number == num_rounds


def write(
  writer: MetricWriter,
  output: Mapping[str, Any],
  confusion: Optional[np.ndarray],
) -> None:
  """Writes the pictures of the round whose row comes next.

  `update_norm/benign` and `update_norm/malicious`: how long the updates are
  that take part (histograms). `test/confusion`: which class (row) of the test
  set is taken for which (column), as a share of the class.

  Args:
    writer: where they go.
    output: the metrics struct of `federated.server_step`.
    confusion: int [classes, classes], as `metrics.accuracy` counts it; None:
      the model was not tested.
  """
  step = len(writer.rows) + 1
  norm, rank = np.asarray(output['norm']), np.asarray(output['rank'])
  counts = (np.asarray(output['weight']) > 0) & np.asarray(output['is_finite'])
  for name, group in (('benign', rank < 0), ('malicious', rank >= 0)):
    if (counts & group).any():
      writer.write_histogram(f'update_norm/{name}', norm[counts & group], step)
  if confusion is not None:
    totals = np.maximum(1, confusion.sum(axis=1, keepdims=True))
    picture = cell_map.cell_map(confusion / totals)
    writer.write_image('test/confusion', picture, step)
