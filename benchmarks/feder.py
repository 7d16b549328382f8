"""What FedER costs beside FLTrust, on the same updates and the same server.

Run `python -m benchmarks.feder [repeats]`: 100 clients of LeNet-5's 61,706
weights and of 1,000,000, at several pruned shares. Both rules train on the
server's examples; with its share adaptive FedER also evaluates the model. All
take turns, so the ratios hold on a busy machine; it should have two idle cores.

Two parts stand beside the rules. One read of the stack is the least that any
rule costs. The selection alone, exactly k of the largest entries of each row
with two histograms of the bits, costs more than all of FLTrust: TensorFlow's
kernels for CPUs have nothing faster for it. A histogram takes 0.8 ns an entry
on one core, as long as ten multiplications of a block in the cache. Drawing a
sample first, so that one histogram of few entries remains, took as long (it
reads them all), as did counting what is above a guess, five times over.
"""

import functools
import sys
from typing import Any, Callable

import tensorflow as tf

from benchmarks import timing
from benchmarks.aggregator_cases import Case
from benchmarks.aggregator_work import (
  SEED,
  Server,
  Shape,
  build_server,
  stack,
)
from flsec.numerics import largest_entries, row_norms

_CLIENTS = 100
_DIMENSIONS = (61_706, 1_000_000)
_MOST = 1.5  # Times FLTrust.
_SCALE = 0.01  # Of updates that a model is evaluated with.


def _case(name: str, rule: str, **options: Any) -> Case:
  return Case(name, rule, lambda shape: options, needs_server=True)


_CASES = (
  _case('fltrust', 'fltrust'),
  _case('feder, adaptive', 'feder'),
  _case('feder, p = 0.5', 'feder', fraction=0.5),
  _case('feder, p = 0.9', 'feder', fraction=0.9),
)


def main(repeats: Any = 7) -> None:
  """Prints a table; the argument may be a word of the command line."""
  for dimension in _DIMENSIONS:
    server = build_server(dimension)
    shape = Shape(_CLIENTS, server.weights.size, 0)
    rows = tf.constant(stack(shape, _SCALE))
    calls = {case.name: _call(case, shape, server, rows) for case in _CASES}
    calls |= _parts(shape, rows)
    seconds = timing.in_turns(calls, int(repeats))
    print(f'[{_CLIENTS}, {shape.dimension}], a perceptron of {server.sizes}')
    for name, value in seconds.items():
      ratio = value / seconds['fltrust']
      verdict = 'ok' if ratio <= _MOST else f'above {_MOST}'
      print(f'  {name:<20}{1e3 * value:9.1f} ms{ratio:7.2f}  {verdict}')


def _call(
  case: Case, shape: Shape, server: Server, rows: tf.Tensor
) -> Callable[[], Any]:
  initialize, step = case.start(shape, server)
  state = initialize()
  return lambda: step(state, rows)


def _parts(shape: Shape, rows: tf.Tensor) -> dict[str, Callable[[], Any]]:
  """Returns what FedER cannot do without, each by itself."""
  like = tf.TensorSpec(rows.shape)
  read = tf.function(row_norms.finite_rows, autograph=False)

  def select(rows: tf.Tensor) -> tf.Tensor:
    count = tf.constant(shape.dimension // 10)
    return largest_entries.largest_entries(rows, count, tf.constant(SEED))

  selection = tf.function(select, autograph=False)
  graphs = {
    'one read': read.get_concrete_function(like),
    'selection, p = 0.9': selection.get_concrete_function(like),
  }
  return {
    name: functools.partial(graph, rows) for name, graph in graphs.items()
  }


if __name__ == '__main__':
  main(*sys.argv[1:])
