"""Measures the memory of a round against its bound, and the prediction of it.

Run `python -m benchmarks.memory`. Each measurement runs in a process of its
own, so that the peak of its memory is its own; what the process takes before
the round (TensorFlow, the clients' examples) is in it. A round with a stack is
bounded by 2 x n x d x 4 bytes + 1 GiB; a mean streams, so that its bound is
1 GiB beside the examples, whatever the number of clients: ten times the clients
may take 64 MiB more. A rule that works on blocks of columns is measured alone,
too: its stack and what it takes beside are bounded by 1.15 stacks.
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
  'mean, 1,000 clients x LeNet-5': ('lenet5', 1000, 6, 'mean'),
  'mean, 10,000 clients x LeNet-5': ('lenet5', 10_000, 6, 'mean'),
}
_MOST_GROWTH_MIB = 64
# Of the stack, the rule's blocks beside it in it.
_MOST_STACKS = 1.15
_ALONE = ('median', 'trimmed_mean')
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


def measure_alone(rule: str) -> None:
  """Applies a rule to 80 x 1M weights and prints how many stacks it takes."""
  from flsec.runtime import threads

  threads.configure(2)
  import tensorflow as tf

  from flsec import aggregators

  shape, options = (80, 1_000_000), {'screened': False}
  if rule == 'trimmed_mean':
    options['num_byzantine'] = 16
  built = aggregators.build(rule, **options)

  def aggregate(columns: int) -> None:
    # The operation itself: what Python makes of it has two more stacks.
    rows = tf.raw_ops.StatelessRandomNormal(
      shape=[shape[0], columns], seed=[1, 2]
    )
    built(rows)

  aggregate(shape[1] // 50)  # What TensorFlow keeps for good is not the rule's.
  before = _peak_bytes()
  aggregate(shape[1])
  stacks = (_peak_bytes() - before) / (4 * shape[0] * shape[1])
  print(json.dumps({'stacks': stacks}))


def main() -> None:
  """Measures every case in a process of its own."""
  failed = False
  print(f'{"round":<40}{"before":>10}{"peak":>10}{"bound":>10}  MiB')
  rounds = {}
  for name in _CASES:
    figures = _measured(name)
    before, peak, bound = (
      figures[f'{word} MiB'] for word in ('before', 'peak', 'bound')
    )
    rounds[name] = peak - before
    is_above = peak > bound
    failed = failed or is_above
    print(
      f'{name:<40}{before:>10,.0f}{peak:>10,.0f}{bound:>10,.0f}'
      f'{"  ABOVE" if is_above else ""}',
      flush=True,
    )
  few, many = (took for name, took in rounds.items() if 'mean,' in name)
  is_above = many - few > _MOST_GROWTH_MIB
  failed = failed or is_above
  print(
    f'a mean of ten times the clients: {many - few:.0f} MiB more (at most '
    f'{_MOST_GROWTH_MIB}: {"ABOVE" if is_above else "ok"})'
  )
  for rule in _ALONE:
    stacks = _measured(rule)['stacks']
    is_above = stacks > _MOST_STACKS
    failed = failed or is_above
    print(
      f'{rule} alone, 80 x 1M weights: {stacks:.2f} stacks (at most '
      f'{_MOST_STACKS:g}: {"ABOVE" if is_above else "ok"})'
    )
  sys.exit(failed)


def _measured(name: str) -> dict[str, float]:
  command = [sys.executable, '-m', 'benchmarks.memory', name]
  answer = subprocess.run(command, stdout=subprocess.PIPE, check=True)
  return json.loads(answer.stdout.splitlines()[-1])


def _peak_bytes() -> int:
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == '__main__':
  if sys.argv[1:] and sys.argv[1] in _ALONE:
    measure_alone(sys.argv[1])
  elif sys.argv[1:]:
    measure(sys.argv[1])
  else:
    main()
