"""Shuffled labels: the examples of a batch exchange their labels."""

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.data.random_integers import random_integers


@registry.attack('label_permutation', paper='AGRAMPLIFIER (L-flip)')
def label_permutation() -> Attack:
  """Permutes the labels of each batch at random, the examples stay.

  y'_i = y_pi(i), with a uniformly random permutation pi of the real rows. The
  authors of AGRAMPLIFIER permute the labels of the client's whole training set
  once; here pi is drawn anew for every batch, which keeps the client's label
  distribution just as well and needs no view of the whole set. The attack is
  untargeted: it has no victims.

  Returns:
    The attack, with the hook `poison`.

  References:
    "Better together: attaining the triad of Byzantine-robust federated learning
    via local update amplification", section 4.2.1 (L-flip), and its code, where
    L-flip is a permutation and not a map of classes.
  """

  def poison(
    x: tf.Tensor, y: tf.Tensor, context: AttackContext
  ) -> tuple[tf.Tensor, tf.Tensor]:
    # Ranks of random keys, since XLA cannot compile tf.random.shuffle.
    keys = random_integers(context.seed, tf.shape(y))
    if context.num_examples is not None:
      is_real = tf.range(tf.shape(y)[0]) < context.num_examples
      keys = tf.where(is_real, keys, keys.dtype.max)
    return x, tf.gather(y, tf.argsort(keys, stable=True))

  return Attack('label_permutation', poison=poison)
