"""How long `flsec run` takes until the first round is done.

Run `python -m benchmarks.start_up`. Starts the quickstart several times in
processes of its own and waits for the first row of its `metrics.csv`: imports,
data, tracing and one round. Between the starts TensorFlow is imported alone,
and then TFF, so that the ratios hold on any machine; those of CPU time also on
one that has other work. Exits with 1 if the least of the starts is above the
bound.
"""

import pathlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

_CONFIG = pathlib.Path(__file__).resolve().parent.parent / (
  'experiments/quickstart.yaml'
)
_BOUND_SECONDS = 12.0
_REPEATS = 3
_IMPORTS = ('tensorflow', 'tensorflow_federated')


def main() -> None:
  """Prints the least seconds of each, and what they are of TensorFlow's."""
  starts: dict[str, Callable[[], None]] = {
    f'import {name}': lambda name=name: subprocess.run(
      [sys.executable, '-c', f'import {name}'], check=True, capture_output=True
    )
    for name in _IMPORTS
  }
  starts['start to the end of round 1'] = _run_first_round
  turns = [
    {name: _seconds(call) for name, call in starts.items()}
    for _ in range(_REPEATS)
  ]
  least = {
    name: [min(turn[name][i] for turn in turns) for i in (0, 1)]
    for name in starts
  }
  alone = least[f'import {_IMPORTS[0]}']
  for name, (wall, cpu) in least.items():
    print(
      f'{name:<32}{wall:6.1f} s, {wall / alone[0]:4.1f} times TensorFlow alone;'
      f' CPU {cpu:6.1f} s, {cpu / alone[1]:4.1f} times'
    )
  print(f'target: a start takes at most {_BOUND_SECONDS:.0f} s')
  sys.exit(wall > _BOUND_SECONDS)


def _seconds(call: Callable[[], None]) -> Sequence[float]:
  """Returns the seconds of a call, and those of its children's CPU time."""
  started, before = time.perf_counter(), _children()
  call()
  return time.perf_counter() - started, _children() - before


def _children() -> float:
  used = resource.getrusage(resource.RUSAGE_CHILDREN)
  return used.ru_utime + used.ru_stime


def _run_first_round() -> None:
  with tempfile.TemporaryDirectory() as folder:
    command = [sys.executable, '-m', 'flsec.main', 'run', f'--config={_CONFIG}']
    process = subprocess.Popen(
      [*command, f'--output_dir={folder}'],
      stdout=subprocess.DEVNULL,
      stderr=subprocess.PIPE,
    )
    try:
      while not _has_a_row(pathlib.Path(folder)):
        if process.poll() is not None:
          raise RuntimeError(process.stderr.read().decode())
        time.sleep(0.01)
    finally:
      process.kill()
      process.wait()


def _has_a_row(folder: pathlib.Path) -> bool:
  tables = folder.glob('**/metrics.csv')
  return any(len(table.read_text().splitlines()) > 1 for table in tables)


if __name__ == '__main__':
  main()
