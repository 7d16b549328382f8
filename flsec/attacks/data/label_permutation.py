"""Permuted labels: all examples of a run exchange their labels, once."""

from typing import Callable

import tensorflow as tf

from flsec import registry
from flsec.attacks import hooks, known_rows
from flsec.attacks.attack import Attack, AttackContext
from flsec.numerics.random_order import random_order


@registry.attack('label_permutation', paper='AGRAMPLIFIER (L-flip)')
def label_permutation(*, replication: str = 'none') -> Attack:
  """Teaches wrong labels that are fixed for the run (L-flip).

  y'_i = y_pi(i), with one uniformly random permutation pi of the training
  examples of all clients, drawn once from the seed. So an example is taught as
  the same class in every batch, epoch and round, wrong labels can be learned by
  heart, and a malicious client's labels are a sample of everybody's: its
  histogram becomes that of the whole federation. `label_shuffle` draws anew in
  every batch, from the batch. The attack is untargeted: it has no victims.

  Args:
    replication: 'none', or 'agramplifier': as its code does, the client first
      trains honestly, then on permuted labels from where that ended and with
      the same optimiser, and sends what the second training changed.

  Returns:
    The attack, with the hooks `poison` and `relabel`; under `replication` with
    `train` and `relabel`.

  Raises:
    ValueError: an unknown replication.

  References:
    "Better together: attaining the triad of Byzantine-robust federated learning
    via local update amplification", section 4.2.1 (L-flip), and its code, where
    L-flip is a permutation of the training set's label vector and not a map of
    classes.
  """
  known_rows.require_choice(
    'label_permutation', 'replication', replication, ('none', 'agramplifier')
  )

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

  if replication == 'none':
    return Attack('label_permutation', poison=poison, relabel=relabel)

  def train(run: Callable[..., tf.Tensor], context: AttackContext) -> tf.Tensor:
    return hooks.honest_first(run, context.weights)[1](poison=poison)

  return Attack('label_permutation', train=train, relabel=relabel)
