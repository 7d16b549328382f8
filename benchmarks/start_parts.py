"""Where the CPU time of a start goes, part by part.

Run `python -m benchmarks.start_parts`: imports, and what `flsec run` does with
the quickstart until its second round, in this one process. Run it several times
and take the least of each: other work on the machine only adds to them.
"""

import os
import time
import warnings
from typing import Any, Callable

from flsec.runtime import importing, threads


def main() -> None:
  """Prints the CPU seconds of each part."""
  warnings.filterwarnings('ignore', message='pkg_resources is deprecated')
  with importing.swift(owns_process=True):
    _timed('import TensorFlow', lambda: __import__('tensorflow'))
    _timed('import TFF', lambda: __import__('tensorflow_federated'))
    _timed('import flsec', lambda: __import__('flsec.experiment.loop'))
  from benchmarks.start_up import _CONFIG
  from flsec.config import loading
  from flsec.experiment import assembly, evaluation
  from flsec.experiment.clients import Clients
  from flsec.federated import process
  from flsec.runtime import device

  (cell,) = loading.load_cells(str(_CONFIG))
  experiment = cell.experiment
  folder = os.environ.get('FLSEC_DATA_DIR', 'data')
  assembled = _timed(
    'data and model', lambda: assembly.assemble(experiment, folder)
  )
  built = _timed('tracing', lambda: process.build_process(assembled.plan))
  clients = Clients(experiment, assembled, device.Device())
  training = _timed(
    "TFF's MapReduceForm",
    lambda: clients.runtime(
      'round', lambda: built, concatenates=not assembled.plan.streams
    ),
  )
  state = training.initialize()
  for number in (1, 2):
    own = clients.of_round(number)
    state, _ = _timed(
      f'round {number}',
      lambda state=state, own=own: training.next(state, own),
    )
  evaluator = evaluation.evaluator_of(experiment, assembled)
  weights = state['weights'].numpy()
  _timed('first evaluation', lambda: evaluator.evaluate(weights))
  clients.close()


def _timed(name: str, call: Callable[[], Any]) -> Any:
  start = time.process_time()
  result = call()
  print(f'{name:<24}{time.process_time() - start:7.2f} s', flush=True)
  return result


if __name__ == '__main__':
  threads.settle()
  main()
