"""Times calls; what is compared runs in turns, so that a busy machine is fair.

Best of several: what else the machine does only ever adds time.
"""

import time
from collections.abc import Mapping
from typing import Any, Callable

import numpy as np

_SIDE = 2048


def seconds(call: Callable[[], Any], repeats: int, warm: int = 1) -> float:
  """Returns the least seconds of `repeats` calls, `warm` calls left out."""
  return in_turns({'': call}, repeats, warm)['']


def in_turns(
  calls: Mapping[str, Callable[[], Any]],
  repeats: int,
  warm: int = 1,
  clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
  """Times several calls, one of each in every turn.

  Args:
    calls: what is timed, by name.
    repeats: turns that count.
    warm: turns before that do not count: they trace, compile and allocate.
    clock: in seconds; `time.process_time` counts what this process uses of all
      cores.

  Returns:
    The least seconds of each.
  """
  best = dict.fromkeys(calls, float('inf'))
  for turn in range(-warm, repeats):
    for name, call in calls.items():
      start = clock()
      call()
      if turn >= 0:
        best[name] = min(best[name], clock() - start)
  return best


def sgemm_call() -> tuple[Callable[[], Any], float]:
  """Returns a float32 matrix product on all cores, and its GFLOP."""
  left = np.ones([_SIDE, _SIDE], np.float32)
  right, result = np.full_like(left, 0.5), np.empty_like(left)
  return lambda: np.matmul(left, right, out=result), 2 * _SIDE**3 / 1e9
