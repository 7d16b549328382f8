"""Shuffled labels: the examples of a batch exchange their labels."""

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.data.random_integers import random_integers


@registry.attack('label_shuffle', paper='Zhang et al., ICLR 2017')
def label_shuffle() -> Attack:
  """Permutes the labels of each batch at random, the examples stay.

  y'_i = y_pi(i), with a uniformly random permutation pi of the real rows, drawn
  anew for every batch. A client keeps its label distribution, and an example is
  taught as another class in every epoch, so that no wrong label can be learned:
  `label_permutation` is the attack that fixes them. It is untargeted: it has no
  victims.

  Returns:
    The attack, with the hook `poison`.

  References:
    Zhang et al., "Understanding deep learning requires rethinking
    generalization", ICLR 2017, section 2.1, has labels without meaning, fixed
    once; the draw a batch is ours.
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

  return Attack('label_shuffle', poison=poison)
