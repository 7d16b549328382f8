"""What the phases of Wu et al.'s defence cost, beside training and testing.

Run `python -m benchmarks.phases [clients] [repeats]`. Votes of all clients are
set against a round of their training; a step of the pruning search, which knows
what lies below the layer, against an evaluation of the whole model; and all
channels of a layer of 512 are searched, within a bound on the cores' time, that
other work on the machine does not change.
"""

import sys
import time
from collections.abc import Sequence
from typing import Callable

import numpy as np
import tensorflow as tf

from benchmarks import round_work, timing
from flsec import defenses, models
from flsec.data.dataset import Split
from flsec.defenses import channels
from flsec.defenses.phase import Question, Record, Reports, Score
from flsec.experiment import validation
from flsec.experiment.forward_pass import CutPass, WholePass
from flsec.federated import process, reports
from flsec.models.flat import FlatModel
from flsec.runtime import threads
from flsec.runtime.in_process import InProcess

_SAMPLES, _TESTED, _VALIDATION = 1200, 10_000, 1000
_MOST_OF_A_ROUND, _MOST_OF_A_TEST, _MOST_SECONDS = 1.0, 0.1, 30.0
_WIDE = {
  'filters': (64, 128, 256, 512),
  'kernel_size': 3,
  'padding': 'same',
  'pool_after': (1, 2, 3, 4),
  'hidden': (128,),
}


def votes(num_clients: int, samples: int, repeats: int) -> dict[str, float]:
  """Returns the seconds of a round, and those of all clients' votes."""
  x, y, source = round_work.mnist(num_clients, samples)
  work = round_work.Work(('cnn', {}), x, y, epochs=1, batch_size=64)
  plan, clients = round_work.planned(work)
  asking = reports.build_reports(plan, Question('ranks'))
  cores = threads.usable_cores()
  print(f'{num_clients} clients with {samples} examples each, {source}')
  with (
    InProcess(process.build_process(plan), num_threads=cores) as training,
    InProcess(asking, num_threads=cores) as exchange,
  ):
    state = training.initialize()
    asked = tf.nest.map_structure(
      tf.convert_to_tensor, reports.asked_state(state)
    )
    return timing.in_turns(
      {
        'round': lambda: training.next(state, clients),
        'votes': lambda: exchange.next(asked, clients),
      },
      repeats,
    )


def steps(num_examples: int, repeats: int) -> dict[str, float]:
  """Returns the seconds of an evaluation, and of a step of the search."""
  model, weights, whole = _trained((28, 28, 1), {})
  x, _ = round_work.generated((28, 28, 1), num_examples)
  layer = model.layout['conv2']
  own = channels.entries(model.layout, layer)
  candidate = weights.copy()
  candidate[np.concatenate(own[: len(own) // 2])] = 0
  cut = CutPass(whole, layer.name, weights)
  return timing.in_turns(
    {
      'evaluation': lambda: whole.logits(candidate, x),
      'step': lambda: cut.logits(candidate, x),
    },
    repeats,
  )


def search(num_examples: int, options: dict) -> tuple[int, float, float]:
  """Tests all channels of a layer.

  Returns:
    How many there are, the seconds, and those of all cores together: where the
    machine does nothing else, the first are no more than these.
  """
  model, weights, whole = _trained((32, 32, 3), options)
  layer = f'conv{len(options["filters"])}'
  num_channels = model.layout[layer].units
  x, y = round_work.generated((32, 32, 3), num_examples)
  examples = Split(x, y)

  def begin(
    zeroed_at: np.ndarray, points: Sequence[Record]
  ) -> Callable[[int], Score]:
    del points
    cut = CutPass(whole, layer, weights)
    return lambda point: validation.score(
      cut, examples, np.where(zeroed_at > point, weights, np.float32(0))
    )

  phase = defenses.build('prune', stop='largest_acceptable', max_drop=1.0)
  votes_of_all = Reports(np.arange(num_channels), 1)
  nothing = np.zeros(len(weights), bool)
  started, worked = time.perf_counter(), time.process_time()
  phase.decide(weights, nothing, votes_of_all, model.layout, begin)
  took = time.perf_counter() - started
  return num_channels, took, time.process_time() - worked


def _trained(
  shape: tuple[int, ...], options: dict
) -> tuple[FlatModel, np.ndarray, WholePass]:
  model = FlatModel(
    models.build('cnn', input_shape=shape, num_classes=10, **options)
  )
  cores = threads.usable_cores()
  whole = WholePass(model, batch_size=1000, num_threads=cores)
  return model, np.asarray(model.initial_weights(1)), whole


def main(num_clients: int = 50, repeats: int = 5) -> None:
  """Prints seconds, ratios, and whether the targets hold."""
  found = votes(num_clients, _SAMPLES, repeats)
  _print('votes', found['votes'], 'of a round', found['round'])
  found = steps(_TESTED, repeats)
  _print('a step', found['step'], 'of an evaluation', found['evaluation'])
  num_channels, seconds, worked = search(_VALIDATION, _WIDE)
  verdict = 'ok' if worked < _MOST_SECONDS else 'TOO SLOW'
  print(
    f'all {num_channels} channels on {_VALIDATION} images: {seconds:.1f} s, '
    f'{worked:.1f} s of a core (at most {_MOST_SECONDS:g}: {verdict})'
  )


_TARGETS = {'of a round': _MOST_OF_A_ROUND, 'of an evaluation': _MOST_OF_A_TEST}


def _print(name: str, seconds: float, of: str, whole: float) -> None:
  most, ratio = _TARGETS[of], seconds / whole
  verdict = 'ok' if ratio <= most else 'TOO SLOW'
  print(
    f'{name}: {seconds:.3f} s, {ratio:.2f} {of} (at most {most:g}: {verdict})'
  )


if __name__ == '__main__':
  main(*map(int, sys.argv[1:]))
