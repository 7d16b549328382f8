"""Fang's attack on the trimmed mean and the median: beyond the extremes."""

import tensorflow as tf

from flsec import registry
from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows
from flsec.numerics import columns, moments

Interval = tuple[tf.Tensor, tf.Tensor]


@registry.attack('fang_trimmed_mean', paper='Fang et al., USENIX Security 2020')
def fang_trimmed_mean(*, scale: float = 2.0) -> attack_lib.Attack:
  """Fang's attack on trimmed mean and median: just beyond the extremes.

  With s_j the sign of the benign mean in coordinate j, each malicious client
  draws x_j uniformly, for b = scale:

      full,    s_j > 0: [min/b, min] if min > 0 else [b min, min]
      full,    s_j < 0: [max, b max] if max > 0 else [max, max/b]
      partial, s_j > 0: [mu - 4 sigma, mu - 3 sigma]
      partial, s_j < 0: [mu + 3 sigma, mu + 4 sigma]
      s_j = 0:          mu

  Full knowledge takes min, max and mu over the benign rows; partial takes mu
  and sigma (ddof = 1) over the malicious clients' own honest rows. Of a single
  own row sigma is |mu|. The clients draw independently of each other.

  Stated on updates, as the paper does on models: the weights move against the
  benign mean's sign. Odd but for the draw, so gradients would give the same.

  Args:
    scale: b > 1, how far beyond an extreme the draws reach.

  Returns:
    The attack; full knowledge by default.

  Raises:
    ValueError: if scale is not above 1, or the round gives no seed.

  References:
    Fang, Cao, Jia and Gong, "Local Model Poisoning Attacks to
    Byzantine-Robust Federated Learning", USENIX Security 2020, section 4.3.
  """
  if not 1 < scale < float('inf'):
    raise ValueError(
      f'Attack fang_trimmed_mean needs a finite scale > 1; got {scale}.'
    )

  def craft(
    own: tf.Tensor, benign: tf.Tensor, context: attack_lib.AttackContext
  ) -> tf.Tensor:
    seed = known_rows.round_seed(context, 'fang_trimmed_mean')

    def crafted() -> tf.Tensor:
      low, high = known_rows.branch(
        known_rows.num_rows(benign),
        lambda: full_interval(benign, scale),
        lambda: partial_interval(own),
      )
      share = tf.random.stateless_uniform(tf.shape(own), seed, alg='philox')
      return low + share * (high - low)  # [c, d]

    return known_rows.branch(known_rows.num_rows(own), crafted, lambda: own)

  return attack_lib.Attack(
    name='fang_trimmed_mean',
    craft=craft,
    default_knowledge='full',
    space='update',
  )


def full_interval(benign: tf.Tensor, scale: float) -> Interval:
  """Returns the bounds ([d], [d]) of the draws under full knowledge."""

  def visit(block):
    return (
      tf.reduce_mean(block, axis=0),
      tf.reduce_min(block, axis=0),
      tf.reduce_max(block, axis=0),
    ), ()

  asker = columns.Asker(visit, (benign.dtype,) * 3)
  mean, least, most = columns.ask(benign, asker)
  below = tf.where(least > 0, least / scale, least * scale)
  above = tf.where(most > 0, most * scale, most / scale)
  return (
    _by_sign(mean, when_up=below, when_down=most),
    _by_sign(mean, when_up=least, when_down=above),
  )


def partial_interval(own: tf.Tensor) -> Interval:
  """Returns the bounds ([d], [d]) of the draws under partial knowledge."""
  mean, std = moments.mean_and_std(own)
  std = tf.where(tf.shape(own)[0] > 1, std, tf.abs(mean))
  return (
    _by_sign(mean, when_up=mean - 4 * std, when_down=mean + 3 * std),
    _by_sign(mean, when_up=mean - 3 * std, when_down=mean + 4 * std),
  )


def _by_sign(
  mean: tf.Tensor, *, when_up: tf.Tensor, when_down: tf.Tensor
) -> tf.Tensor:
  return tf.where(mean > 0, when_up, tf.where(mean < 0, when_down, mean))
