"""What each aggregation rule costs, beside NumPy, torch and one Gram matrix.

Run `python -m benchmarks.aggregators [n] [d] [repeats]`; default 80 clients of
1,000,000 weights, f = n / 5. All times are of one run, so the ratios hold on
any machine. Memory is the stack and what the rule's first run adds to the
resident size at most, as a multiple of the stack.
"""

import ctypes
import importlib.util
import sys

import numpy as np
import tensorflow as tf

from benchmarks import peer_rules, timing
from flsec import aggregators

# Rule: options beside num_byzantine, and the most it may take: seconds, or as a
# multiple of one float32 Gram matrix.
_CASES = {
  'mean': ({}, None),
  'median': ({}, '0.2 s'),
  'trimmed_mean': ({}, '0.2 s'),
  'krum': ({}, '3 Gram'),
  'multi_krum': ({}, '3 Gram'),
  'bulyan': ({}, '0.6 s'),
  'centered_clipping': ({}, None),
  'geometric_median': ({'tolerance': 1e-6}, '3 Gram'),
  'sign_majority': ({}, None),
  'cosine_density': ({}, '3 Gram'),
  'euclidean_density': ({}, '3 Gram'),
  'merged_density': ({}, '3 Gram'),
  'norm_clipped_mean': ({}, None),
  'mean_around_median': ({}, None),
}
_WITHOUT_F = {
  'mean',
  'median',
  'centered_clipping',
  'geometric_median',
  'sign_majority',
  'norm_clipped_mean',
}
_TARGETED_SHAPE = (80, 1_000_000)


def main(clients=80, dimension=1_000_000, repeats=5):
  clients, dimension, repeats = int(clients), int(dimension), int(repeats)
  rows = _stack(clients, dimension)
  updates = tf.constant(rows)
  gram = tf.function(lambda x: tf.matmul(x, x, transpose_b=True))
  gram_seconds = timing.seconds(lambda: gram(updates), repeats)
  print(
    f'[{clients}, {dimension}] f={clients // 5}, {rows.nbytes / 2**20:.0f}'
    f' MiB; one float32 Gram matrix takes {gram_seconds:.3f} s'
  )
  print(
    f'{"rule":<20}{"seconds":>8}{"Grams":>7}{"NumPy":>8}{"ratio":>7}'
    f'{"torch":>8}{"ratio":>7}{"memory":>8}  allowed'
  )
  for name, (options, allowed) in _CASES.items():
    rule = _rule(name, options, clients // 5)
    memory = 1 + _added_bytes(lambda rule=rule: rule(updates)) / rows.nbytes
    seconds = timing.seconds(lambda rule=rule: rule(updates), repeats)
    numpy_seconds = timing.seconds(
      lambda rule=peer_rules.NUMPY[name]: rule(rows, clients // 5), 1, warm=0
    )
    torch_seconds = _torch_seconds(name, rows, clients // 5)
    if (clients, dimension) == _TARGETED_SHAPE:
      verdict = _verdict(allowed, seconds, gram_seconds, numpy_seconds)
    else:
      verdict = ''
    print(
      f'{name:<20}{seconds:8.3f}{seconds / gram_seconds:7.1f}'
      f'{numpy_seconds:8.3f}{numpy_seconds / seconds:7.1f}'
      f'{torch_seconds:8.3f}{torch_seconds / seconds:7.1f}'
      f'{memory:7.2f}x  {verdict}',
      flush=True,
    )


def _stack(clients, dimension):
  rows = np.empty((clients, dimension), np.float32)
  rng = np.random.default_rng(0)
  for row in rows:
    rng.standard_normal(dtype=np.float32, out=row)
  rows[: clients // 5] += 0.5
  return rows


def _rule(name, options, num_byzantine):
  if name not in _WITHOUT_F:
    options = {'num_byzantine': num_byzantine, **options}
  return aggregators.build(name, **options)


def _added_bytes(call):
  # What earlier rules freed is handed back first, or it would be reused unseen.
  ctypes.CDLL('libc.so.6').malloc_trim(0)
  before = _resident('VmRSS')
  with open('/proc/self/clear_refs', 'w') as peak:
    peak.write('5')  # Sets the largest resident size back to the present one.
  call()
  return (_resident('VmHWM') - before) * 1024


def _torch_seconds(name, rows, num_byzantine):
  """Returns NaN where torch is not installed or no peer has the rule."""
  if importlib.util.find_spec('torch') is None:
    return float('nan')
  import torch

  rule = peer_rules.torch_rules(torch).get(name)
  if rule is None:
    return float('nan')
  tensor = torch.from_numpy(rows)
  return timing.seconds(lambda: rule(tensor, num_byzantine), 1)


def _verdict(allowed, seconds, gram_seconds, numpy_seconds):
  if allowed is None:
    return ''
  value, unit = allowed.split()
  limit = float(value) * (gram_seconds if unit == 'Gram' else 1.0)
  if unit == 's' and value == '0.2':
    limit = max(limit, numpy_seconds / 3)
  word = 'ok' if seconds <= limit else 'TOO SLOW'
  return f'{word} (at most {limit:.3f} s)'


def _resident(field):
  with open('/proc/self/status') as status:
    for line in status:
      if line.startswith(field):
        return int(line.split()[1])
  raise ValueError(f'/proc/self/status has no {field}: Linux only.')


if __name__ == '__main__':
  main(*sys.argv[1:])
