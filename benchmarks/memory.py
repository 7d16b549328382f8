"""Measures the memory of a round against its bound, and the prediction of it.

Run `python -m benchmarks.memory`. Each measurement runs in a process of its
own, so that the peak of its memory is its own; what the process takes before
the round (TensorFlow, the clients' examples) is in it. A round with a stack is
bounded by 2 x n x d x 4 bytes + 1 GiB; a mean streams, so that its bound is
1 GiB beside the examples, whatever the number of clients.
Exits with 1 if a figure is above its bound.
"""

import json
import resource
import subprocess
import sys

_MIB = 2**20
# Name -> (model, model's options, clients, examples a client, rule).
_CASES = {
  **{
    f'{rule}, 80 clients x 1M weights': ('mlp', 80, 24, rule)
    for rule in (
      'median',
      'geometric_median',
      'centered_clipping',
    )
  },
  'mean, 10,000 clients x LeNet-5': ('lenet5', 10_000, 6, 'mean'),
}
_HIDDEN = (1000, 210)  # 997,320 weights


def measure(name: str) -> None:
  """Runs two rounds of a case and prints its figures as JSON."""
  from flsec.runtime import threads

  threads.configure(2)
  from benchmarks import round_work

  model, num_clients, samples, rule = _CASES[name]
  options = {'hidden': _HIDDEN} if model == 'mlp' else {'padding': 'valid'}
  x, y, _ = round_work.mnist(num_clients, samples)
  work = round_work.Work((model, options), x, y, epochs=1, rule=rule)
  with round_work.ours(work) as (one_round, _):
    before = _peak_bytes()
    for _ in range(2):
      state, _ = one_round()
  dimension = int(state['weights'].shape[0])
  stack = 0 if rule == 'mean' else 2 * num_clients * dimension * 4
  figures = {
    'dimension': dimension,
    'before MiB': before / _MIB,
    'peak MiB': _peak_bytes() / _MIB,
    'bound MiB': (stack + x.nbytes * (rule == 'mean')) / _MIB + 1024,
  }
  print(json.dumps(figures))


def main() -> None:
  """Measures every case in a process of its own."""
  failed = False
  print(f'{"round":<40}{"before":>10}{"peak":>10}{"bound":>10}  MiB')
  for name in _CASES:
    command = [sys.executable, '-m', 'benchmarks.memory', name]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures = json.loads(answer.stdout.splitlines()[-1])
    before, peak, bound = (
      figures[f'{word} MiB'] for word in ('before', 'peak', 'bound')
    )
    is_above = peak > bound
    failed = failed or is_above
    print(
      f'{name:<40}{before:>10,.0f}{peak:>10,.0f}{bound:>10,.0f}'
      f'{"  ABOVE" if is_above else ""}',
      flush=True,
    )
  sys.exit(failed)


def _peak_bytes() -> int:
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == '__main__':
  if len(sys.argv) > 1:
    measure(sys.argv[1])
  else:
    main()
