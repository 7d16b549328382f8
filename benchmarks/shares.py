"""What pruning, masks, selections and votes take of a round's training.

Run `python -m benchmarks.shares [repeats]`: LeNet-5 on 300 images a client, two
epochs in batches of 24, by 80 clients (100 for FedER). Seconds are those of the
processor, of all threads, so that the shares hold on a machine that has other
work; all take turns, and the least of each counts.

What is part of every round may take a tenth of its training; exits with 1 if
something takes more. FORCE's mask is made once, before round 1, and votes are
cast once: both are passes through the model that take a seventh (votes) and a
fifth (FORCE) of the training's multiplications, whatever computes them.
"""

import sys
import time
from collections.abc import Mapping
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from benchmarks import round_work
from benchmarks.aggregator_work import SEED, Shape, stack
from flsec import attacks, pruning
from flsec.data.dataset import Split
from flsec.defenses.phase import Question
from flsec.experiment.evaluation import Evaluator
from flsec.federated import reports
from flsec.numerics import largest_entries
from flsec.pruning.pruner import PruningContext
from flsec.runtime import threads
from flsec.runtime.in_process import InProcess

_SAMPLES = 300
_TESTED = 10_000
_ATTACKERS = 16  # Of 80: whose examples FORCE reads.
_MOST = 0.1
_ONCE = ('FORCE', 'votes')  # A run, and not a round.


def main(repeats: Any = 7) -> int:
  """Prints a table; returns the exit status."""
  slow = False
  for num_clients, parts in ((80, _round_parts), (100, _selection)):
    x, y, source = round_work.mnist(num_clients, _SAMPLES)
    work = round_work.Work(('lenet5', {}), x, y)
    with round_work.training_alone(work) as training:
      calls = {'training': training, **parts(work)}
      seconds = in_turns(calls, int(repeats))
    whole = seconds.pop('training')
    print(f'{num_clients} clients, {_SAMPLES} images each, {source}:')
    print(f'  {"training":<34}{1e3 * whole:9.1f} ms of CPU time')
    for name, value in seconds.items():
      share = value / whole
      is_slow = share > _MOST and not name.startswith(_ONCE)
      slow = slow or is_slow
      verdict = f'above {_MOST:.0%}' if is_slow else 'ok'
      if name.startswith(_ONCE):
        verdict = 'once a run'
      print(f'  {name:<34}{1e3 * value:9.1f} ms{share:8.1%}  {verdict}')
  return int(slow)


def in_turns(
  calls: Mapping[str, Callable[[], Any]], repeats: int
) -> dict[str, float]:
  """Returns the least CPU seconds of each call, the first turn left out."""
  best = dict.fromkeys(calls, float('inf'))
  for turn in range(repeats + 1):
    for name, call in calls.items():
      start = time.process_time()
      call()
      if turn:
        best[name] = min(best[name], time.process_time() - start)
  return best


def _round_parts(work: round_work.Work) -> dict[str, Callable[[], Any]]:
  plan, clients = round_work.planned(work)
  model, weights = plan.model, tf.constant(plan.initial_weights)
  calls = {}
  for criterion in ('impact', 'saliency'):
    pruner = pruning.build('flap', criterion=criterion)
    calls[f'FLAP by {criterion}'] = _traced(
      lambda vector, pruner=pruner: pruner.prune(
        vector, model.layout, PruningContext()
      )[0],
      weights,
    )
  x = model.inputs(tf.constant(work.x[:_ATTACKERS].reshape(-1, 28, 28, 1)))
  y = tf.constant(work.y[:_ATTACKERS].reshape(-1))
  attack = attacks.build('hybrid_sparse')
  calls['FORCE, 100 steps of 3 batches'] = lambda: attack.initialize(
    model, model.layout, weights, x, y, tf.constant(SEED)
  )
  asking = InProcess(
    reports.build_reports(plan, Question('ranks')),
    num_threads=threads.usable_cores(),
  )
  asked = asking.initialize()
  (tested,), (labels,), _ = round_work.mnist(1, _TESTED)
  evaluator = Evaluator(
    model,
    Split(tested, labels),
    batch_size=1000,
    num_threads=threads.usable_cores(),
  )
  vector = np.asarray(plan.initial_weights)
  calls[f'testing {_TESTED} images'] = lambda: evaluator.evaluate(vector)
  calls['votes on the last conv layer'] = lambda: asking.next(asked, clients)
  return calls


def _selection(work: round_work.Work) -> dict[str, Callable[[], Any]]:
  dimension = round_work.planned(work)[0].dimension
  rows = tf.constant(stack(Shape(work.num_clients, dimension, 0), 0.01))
  return {
    f"FedER's selection, p = {share}": _traced(
      lambda rows, share=share: largest_entries.largest_entries(
        rows, tf.constant(round((1 - share) * dimension)), tf.constant(SEED)
      ),
      rows,
    )
    for share in (0.1, 0.5, 0.9)
  }


def _traced(
  function: Callable[[tf.Tensor], Any], argument: tf.Tensor
) -> Callable[[], Any]:
  graph = tf.function(function, autograph=False).get_concrete_function(
    tf.TensorSpec(argument.shape, argument.dtype)
  )
  return lambda: graph(argument)


if __name__ == '__main__':
  sys.exit(main(*sys.argv[1:]))
