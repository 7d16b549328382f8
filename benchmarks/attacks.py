"""What crafting updates costs, against one pass and one Gram matrix.

Run `python -m benchmarks.attacks [d] [repeats]`. All times are of one run, so
the ratios hold on any machine: a pass is a column sum of the [80, d] stack, a
Gram matrix one float32 matmul of it. Attacks craft 16 rows from 64 benign ones.
"""

import sys

import tensorflow as tf

from benchmarks import timing
from flsec import attacks
from flsec.attacks import attack as attack_lib

_CLIENTS, _MALICIOUS = 80, 16
_MASK = {'mask': 'random'}
# name, options, baseline, the most it may cost in units of the baseline.
_CASES = (
  ('ipm', {}, 'pass', 2.0),
  ('rop', {}, 'pass', 2.0),
  ('sign_flip', {'source': 'mean'}, 'pass', 2.0),
  ('alie', {}, 'pass', 2.0),
  ('hybrid_sparse', _MASK, 'pass', 2.0),
  ('hybrid_sparse', {**_MASK, 'policy': 'semi_adaptive'}, 'gram', 3.0),
  ('min_max', {}, 'gram', 3.0),
  ('min_max', {'perturbation': 'unit'}, 'gram', 3.0),
  ('min_sum', {}, 'gram', 3.0),
  ('fang_krum', {}, 'gram', 3.0),
  ('fang_trimmed_mean', {}, 'pass', None),
  ('mimic', {}, 'pass', None),
  ('mimic', {'position': None}, 'gram', None),
)


def _crafting(name, options, own, benign, mask):
  attack = attacks.build(name, **options)
  context = attack_lib.AttackContext(
    weights=tf.zeros([own.shape[1]]),
    previous_update=tf.ones([own.shape[1]]),
    seed=tf.constant([1, 2]),
    state=mask,
    num_clients=tf.constant(_CLIENTS),
    num_byzantine=tf.constant(_MALICIOUS),
  )

  @tf.function
  def craft(own, benign):
    return attack.craft(own, benign, context)

  # One number is fetched: it waits for the rows and copies none.
  return lambda: craft(own, benign)[0, 0].numpy()


def main(dimension=1_000_000, repeats=5):
  """Prints a line for each attack: seconds, passes, Gram matrices."""
  stack = tf.random.stateless_normal([_CLIENTS, dimension], [0, 1])
  own, benign = stack[:_MALICIOUS], stack[_MALICIOUS:]
  mask = tf.random.stateless_uniform([dimension], [0, 2]) < 0.005
  total = tf.function(lambda x: tf.reduce_sum(x, axis=0))
  gram = tf.function(lambda x: tf.matmul(x, x, transpose_b=True))
  units = {
    'pass': timing.seconds(lambda: total(stack)[0].numpy(), repeats),
    'gram': timing.seconds(lambda: gram(stack)[0, 0].numpy(), repeats),
  }
  print(
    f'[{_CLIENTS}, {dimension}] float32; '
    + ', '.join(
      f'1 {unit} = {seconds:.4f} s' for unit, seconds in units.items()
    )
  )
  for name, options, unit, limit in _CASES:
    seconds = timing.seconds(
      _crafting(name, options, own, benign, mask), repeats
    )
    label = ' '.join([name, *(f'{k}={v}' for k, v in options.items())])
    ratios = ', '.join(
      f'{seconds / unit_seconds:.2f} {u}' for u, unit_seconds in units.items()
    )
    bound = f' (at most {limit:g} {unit})' if limit else ''
    print(f'{label:48s} {seconds:.4f} s = {ratios}{bound}')


if __name__ == '__main__':
  main(*(int(argument) for argument in sys.argv[1:]))
