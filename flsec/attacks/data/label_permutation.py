"""Permuted labels: all examples of a run exchange their labels, once."""

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext
from flsec.numerics.random_order import random_order


@registry.attack('label_permutation', paper='AGRAMPLIFIER (L-flip)')
def label_permutation() -> Attack:
  """Teaches wrong labels that are fixed for the run (L-flip).

  y'_i = y_pi(i), with one uniformly random permutation pi of the training
  examples of all clients, drawn once from the seed. So an example is taught as
  the same class in every batch, epoch and round, wrong labels can be learned by
  heart, and a malicious client's labels are a sample of everybody's: its
  histogram becomes that of the whole federation. `label_shuffle` draws anew in
  every batch, from the batch. The attack is untargeted: it has no victims.

  Returns:
    The attack, with the hooks `poison` and `relabel`.

  References:
    "Better together: attaining the triad of Byzantine-robust federated learning
    via local update amplification", section 4.2.1 (L-flip), and its code, where
    L-flip is a permutation of the training set's label vector and not a map of
    classes.
  """

  def relabel(labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return tf.gather(labels, random_order(len(labels), seed))

  def poison(
    x: tf.Tensor, y: tf.Tensor, context: AttackContext
  ) -> tuple[tf.Tensor, tf.Tensor]:
    del y
    if context.attack_labels is None:
      raise ValueError(
        'label_permutation teaches the labels that `relabel` gave to all '
        'examples; this training was told none (`attack_labels`). Run it in a '
        'round, or fill in the context.'
      )
    return x, context.attack_labels

  return Attack('label_permutation', poison=poison, relabel=relabel)
