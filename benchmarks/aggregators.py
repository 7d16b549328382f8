"""What each aggregation rule costs, beside NumPy, torch and one Gram matrix.

Run `python -m benchmarks.aggregators [n] [d] [repeats]`; default 80 clients of
1,000,000 weights, f = n / 5, which takes some ten minutes. All times are of one
run, so the ratios hold on any machine. Memory is the stack and what the rule's
first run adds to the resident size at most, its state included, as a multiple
of the stack; of a small stack that says little. Rules that read the server's
model have a table of their own, as d is then that of a model. At the default
shape a row says whether it is within its limits. `benchmarks.many_clients` runs
the same cases with 1,000 clients.
"""

import ctypes
import dataclasses
import importlib.util
import sys
from typing import Any, Callable, Optional

import numpy as np
import tensorflow as tf

from benchmarks import timing
from benchmarks.aggregator_cases import (
  CASES,
  NUMPY,
  Case,
  without_a_case,
)
from benchmarks.aggregator_work import (
  Given,
  Server,
  Shape,
  build_server,
  random_draw,
  stack,
)

_TARGETED_SHAPE = (80, 1_000_000)
_MOST_MEMORY = 1.6
_SLOW_SECONDS = 2.0  # What takes longer is not timed again.
_SERVER_SCALE = 0.01  # Of updates that a model is evaluated with.


@dataclasses.dataclass(frozen=True)
class _Figures:
  """What was measured of a rule: seconds, and a multiple of the stack."""

  seconds: float
  numpy: float
  torch: Optional[float]
  memory: float


def main(
  clients: Any = 80, dimension: Any = 1_000_000, repeats: Any = 5
) -> None:
  """Prints both tables; arguments may be words of the command line."""
  clients, dimension, repeats = int(clients), int(dimension), int(repeats)
  has_limits = (clients, dimension) == _TARGETED_SHAPE
  missing = without_a_case()
  if missing:
    print('no case for:', ', '.join(missing))
  _table(Shape(clients, dimension, clients // 5), None, repeats, has_limits)
  server = build_server(dimension)
  shape = Shape(clients, server.weights.size, clients // 5)
  _table(shape, server, repeats, has_limits)


def _table(
  shape: Shape, server: Optional[Server], repeats: int, has_limits: bool
) -> None:
  """Prints the rules that need a server, or those that need none."""
  rows = stack(shape, _SERVER_SCALE if server else 1.0)
  gram_seconds = _header(shape, server, rows, repeats)
  for case in CASES:
    if case.needs_server != bool(server):
      continue
    clients = min(shape.clients, case.most_clients or shape.clients)
    own = case.shape(clients, shape.dimension)
    note, few = '', rows
    if case.kept_stacks:
      note = f'keeps {case.kept_stacks} stack from round to round'
    if clients < shape.clients:
      note = f'n={clients}, f={own.num_byzantine}: small n only'
      # The malicious rows come first: it gets the last of them.
      start = shape.num_byzantine - own.num_byzantine
      few = rows[start : start + clients]
    figures = _measure(case, own, few, server, repeats)
    verdict = ''
    if has_limits:
      limit = limit_seconds(case, gram_seconds, figures.numpy)
      most = _MOST_MEMORY + case.kept_stacks
      verdict = judge(figures.seconds, limit, figures.memory, most)
    notes = ', '.join(filter(None, [note, verdict]))
    _row(case.name, figures, gram_seconds, notes)


def _header(
  shape: Shape, server: Optional[Server], rows: np.ndarray, repeats: int
) -> float:
  """Prints what a table is about; returns the seconds of a Gram matrix."""
  updates = tf.constant(rows)
  gram = tf.function(lambda x: tf.matmul(x, x, transpose_b=True))
  gram_seconds = timing.seconds(lambda: gram(updates), repeats)
  numpy_seconds = timing.seconds(lambda: rows @ rows.T, repeats)
  model = f', a perceptron of {server.sizes} units' if server else ''
  print(
    f'[{shape.clients}, {shape.dimension}] f={shape.num_byzantine}{model}, '
    f'{rows.nbytes / 2**20:.0f} MiB; one float32 Gram matrix takes '
    f'{gram_seconds:.3f} s (NumPy: {numpy_seconds:.3f} s)\n'
    f'{"rule":<40}{"seconds":>8}{"Grams":>7}{"NumPy":>8}{"ratio":>7}'
    f'{"torch":>8}{"ratio":>7}{"memory":>8}  allowed'
  )
  return gram_seconds


def _measure(
  case: Case,
  shape: Shape,
  rows: np.ndarray,
  server: Optional[Server],
  repeats: int,
) -> _Figures:
  """Runs a rule and its references on the rows."""
  updates = tf.constant(rows)
  initialize, step = case.start(shape, server)
  added = _added_bytes(lambda: step(initialize(), updates))
  state = initialize()
  given = Given(shape, random_draw(), case.server(server))
  return _Figures(
    seconds=_best(lambda: step(state, updates), repeats),
    numpy=_best(lambda: NUMPY[case.name](rows, given), 1),
    torch=_torch_seconds(case.name, rows, given),
    memory=1 + added / rows.nbytes,
  )


def _row(name: str, figures: _Figures, gram_seconds: float, notes: str) -> None:
  seconds, torch = figures.seconds, figures.torch
  beside = f'{"-":>8}{"-":>7}'
  if torch is not None:
    beside = f'{torch:8.3f}{torch / seconds:7.1f}'
  print(
    f'{name:<40}{seconds:8.3f}{seconds / gram_seconds:7.1f}'
    f'{figures.numpy:8.3f}{figures.numpy / seconds:7.1f}{beside}'
    f'{figures.memory:7.2f}x  {notes}',
    flush=True,
  )


def limit_seconds(
  case: Case, gram_seconds: float, numpy_seconds: float
) -> Optional[float]:
  """Returns how long a case may take, None for as long as it likes."""
  if case.limit is None:
    return None
  value, unit = case.limit
  if unit == 'Gram':
    return value * gram_seconds
  if unit == 'third':
    return max(value, numpy_seconds / 3)
  return value


def judge(
  seconds: float, limit: Optional[float], memory: float, most_memory: float
) -> str:
  """Says whether a row is within its limits of time and memory."""
  words = []
  if limit is not None:
    word = 'ok' if seconds <= limit else 'TOO SLOW'
    words.append(f'{word} (at most {limit:.3f} s)')
  if memory > most_memory:
    words.append(f'TOO MUCH MEMORY (at most {most_memory:.1f}x)')
  return ', '.join(words)


def _best(call: Callable[[], Any], repeats: int) -> float:
  """Returns the least seconds of a call; one that is slow runs once."""
  first = timing.seconds(call, 1, warm=0)
  if first > _SLOW_SECONDS or repeats < 2:
    return first
  return min(first, timing.seconds(call, repeats - 1, warm=0))


def _torch_seconds(
  name: str, rows: np.ndarray, given: Given
) -> Optional[float]:
  """Returns None where torch is not installed or no peer has the rule."""
  if importlib.util.find_spec('torch') is None:
    return None
  import torch

  from benchmarks import torch_rules, torch_server_rules

  rule = {**torch_rules.TORCH, **torch_server_rules.TORCH}.get(name)
  if rule is None:
    return None
  tensor = torch.from_numpy(rows)
  return _best(lambda: rule(tensor, given), 2)


def _added_bytes(call: Callable[[], Any]) -> int:
  # What earlier rules freed is handed back first, or it would be reused unseen.
  ctypes.CDLL('libc.so.6').malloc_trim(0)
  before = _resident('VmRSS')
  with open('/proc/self/clear_refs', 'w') as peak:
    peak.write('5')  # Sets the largest resident size back to the present one.
  call()
  return (_resident('VmHWM') - before) * 1024


def _resident(field: str) -> int:
  with open('/proc/self/status') as status:
    for line in status:
      if line.startswith(field):
        return int(line.split()[1])
  raise ValueError(f'/proc/self/status has no {field}: Linux only.')


if __name__ == '__main__':
  main(*sys.argv[1:])
