"""Checks that a finished run left all that the README promises.

Usage: check_run.py RUN_DIR
"""

import csv
import pathlib
import re
import sys

from tensorboard.backend.event_processing import event_accumulator

_LEAST_ACCURACY = 0.9
_LEAST_PICTURES = 3


def main(directory: str) -> None:
  """Ends the process with a message at the first thing that is amiss."""
  run = pathlib.Path(directory)
  require((run / 'DONE').is_file(), f'{run} has no DONE.')
  with open(run / 'metrics.csv', newline='', encoding='utf-8') as file:
    rows = list(csv.DictReader(file))
  accuracy = [float(row['test/accuracy']) for row in rows]
  require(
    accuracy[-1] >= _LEAST_ACCURACY,
    f'Accuracy {accuracy[-1]} after {len(rows)} rounds; expected at least '
    f'{_LEAST_ACCURACY}.',
  )
  events = event_accumulator.EventAccumulator(str(run))
  events.Reload()
  tags = events.Tags()
  found = len(tags['scalars']) + len(tags['tensors'])
  require(found > 0, f'TensorBoard reads nothing from {run}.')
  report = (run / 'report.html').read_text(encoding='utf-8')
  pictures = len(re.findall(r'<img [^>]*src="data:image/', report))
  require(
    pictures >= _LEAST_PICTURES,
    f'The report has {pictures} pictures; expected {_LEAST_PICTURES}.',
  )
  print(
    f'{run}: {len(rows)} rounds, accuracy {accuracy[-1]:.3f}, {found} curves '
    f'in TensorBoard, {pictures} pictures in the report.'
  )


def require(is_fine: bool, message: str) -> None:
  if not is_fine:
    sys.exit(message)


if __name__ == '__main__':
  main(sys.argv[1])
