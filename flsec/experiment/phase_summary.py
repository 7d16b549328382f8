"""What each phase of a run came to, a line a phase."""

import math
from collections.abc import Sequence
from typing import Any

from flsec.experiment.metric_rows import PHASE, POINT, ROUND, Row, of_phases

_SECONDS = ('time/round_seconds', 'time/step_seconds')
# Of the last row of a phase: what a line says, and the metric.
_LAST = {
  'accuracy': 'test/accuracy',
  'success_rate': 'attack/success_rate',
  'error_rate': 'attack/error_rate',
  'clean_error_rate': 'attack/clean_error_rate',
  'score': 'phase/score',
  'removed': 'phase/removed',
  'delta': 'phase/delta',
  'kept': 'phase/kept',
  'tied': 'phase/tied',
  'largest_tie': 'phase/largest_tie',
  'valid_reports': 'phase/valid_reports',
  'dropped_reports': 'phase/dropped_reports',
}


def phase_lines(rows: Sequence[Row]) -> list[dict[str, Any]]:
  """Returns a line for each phase of a run that names its phases.

  Args:
    rows: of the run, in order.

  Returns:
    For each phase: `name`; `rounds` of training in it and `round` at its end;
    `steps`, the candidates that were tested; `seconds`; and where its last row
    has them: accuracy, success_rate, error_rate, clean_error_rate (the clean
    source -> target rate beside them), score, removed (channels or weights),
    delta, kept (the round that is kept), tied, largest_tie, valid_reports,
    dropped_reports. None stands for what is no finite number.
  """
  lines = []
  before = 0
  for own in of_phases(rows):
    last = own[-1]
    line = {
      'name': last[PHASE],
      'round': last[ROUND],
      'rounds': last[ROUND] - before,
      'steps': sum(POINT in row for row in own),
      'seconds': math.fsum(
        row.get(key, 0.0) for row in own for key in _SECONDS
      ),
    }
    for key, metric in _LAST.items():
      if metric in last:
        value = last[metric]
        line[key] = value if math.isfinite(value) else None
    lines.append(line)
    before = last[ROUND]
  return lines
