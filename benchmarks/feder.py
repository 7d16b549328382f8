"""What FedER costs beside FLTrust, on the same updates and the same server.

Run `python -m benchmarks.feder [repeats]`: 100 clients of LeNet-5's 61,706
weights and of 1,000,000, at several pruned shares. Both rules train on the
server's examples; with its share adaptive FedER also evaluates the model. All
take turns, so the ratios hold on a busy machine; it should have two idle cores.
"""

import sys
from typing import Any, Callable

import tensorflow as tf

from benchmarks import timing
from benchmarks.aggregator_cases import Case
from benchmarks.aggregator_work import Server, Shape, build_server, stack

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
    seconds = timing.in_turns(calls, int(repeats))
    print(f'[{_CLIENTS}, {shape.dimension}], a perceptron of {server.sizes}')
    for name, value in seconds.items():
      ratio = value / seconds['fltrust']
      verdict = 'ok' if ratio <= _MOST else f'above {_MOST}'
      print(f'  {name:<18}{1e3 * value:9.1f} ms{ratio:7.2f}  {verdict}')


def _call(
  case: Case, shape: Shape, server: Server, rows: tf.Tensor
) -> Callable[[], Any]:
  initialize, step = case.start(shape, server)
  state = initialize()
  return lambda: step(state, rows)


if __name__ == '__main__':
  main(*sys.argv[1:])
