"""Runs every aggregation rule on 1,000 clients, and measures its memory.

Run `python -m benchmarks.many_clients [n] [d]`; default 1,000 clients of
100,000 weights, f = n / 5 where the rule can do that many. Each rule runs once,
in a process of its own, so that the peak of its memory is its own; what the
process takes beside (TensorFlow, the stack as NumPy made it) is in it. Exits
with 1 if a rule takes more than 8 GiB or fails, or has no case.
"""

import json
import resource
import signal
import subprocess
import sys
import time
from typing import Any

import tensorflow as tf

from benchmarks.aggregator_cases import CASES, without_a_case
from benchmarks.aggregator_work import build_server, stack

_GIB = 2**30
_BOUND_GIB = 8.0


def measure(name: str, clients: int, dimension: int) -> None:
  """Runs a case once and prints its figures as JSON."""
  (case,) = (case for case in CASES if case.name == name)
  server = build_server(dimension) if case.needs_server else None
  if server:
    dimension = server.weights.size
  shape = case.shape(clients, dimension)
  updates = tf.constant(stack(shape, 0.01 if server else 1.0))
  initialize, step = case.start(shape, server)
  start = time.perf_counter()
  update = step(initialize(), updates)[1]
  is_finite = bool(tf.reduce_all(tf.math.is_finite(update)))
  seconds = time.perf_counter() - start
  if not is_finite:
    raise ValueError(f'{name}: the result is not finite.')
  peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
  figures = {'seconds': seconds, 'GiB': peak / _GIB, 'f': shape.num_byzantine}
  print(json.dumps({**figures, 'd': dimension}))


def main(clients: Any = 1000, dimension: Any = 100_000) -> int:
  """Measures every case; returns the exit status."""
  print(f'n={clients}; at most {_BOUND_GIB} GiB')
  print(f'{"rule":<40}{"f":>5}{"d":>9}{"seconds":>9}{"GiB":>7}')
  missing = without_a_case()
  if missing:
    print('no case for:', ', '.join(missing))
  failed = bool(missing)
  for case in CASES:
    command = [sys.executable, '-m', 'benchmarks.many_clients', case.name]
    answer = subprocess.run(
      [*command, str(clients), str(dimension)], capture_output=True, text=True
    )
    is_fine, words = describe(answer)
    failed = failed or not is_fine
    print(f'{case.name:<40}{words}', flush=True)
  return int(failed)


def describe(answer: subprocess.CompletedProcess) -> tuple[bool, str]:
  """Returns whether a measurement is within the bound, and its row."""
  if answer.returncode < 0:
    name = signal.Signals(-answer.returncode).name
    return False, f'  FAILED: ended by {name} (out of memory?)'
  if answer.returncode:
    lines = answer.stderr.strip().splitlines() or ['no message']
    return False, f'  FAILED: {lines[-1]}'
  figures = json.loads(answer.stdout.splitlines()[-1])
  is_fine = figures['GiB'] <= _BOUND_GIB
  words = (
    f'{figures["f"]:>5}{figures["d"]:>9}{figures["seconds"]:>9.1f}'
    f'{figures["GiB"]:>7.2f}{"" if is_fine else "  TOO MUCH MEMORY"}'
  )
  return is_fine, words


if __name__ == '__main__':
  if len(sys.argv) > 1 and sys.argv[1] in {case.name for case in CASES}:
    measure(sys.argv[1], *map(int, sys.argv[2:]))
  else:
    sys.exit(main(*sys.argv[1:]))
