"""Gradient ascent: the honest update, with its sign changed."""

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext


@registry.attack('gradient_ascent', paper='AGRAMPLIFIER (G-asc)')
def gradient_ascent() -> Attack:
  """Sends minus the update that honest training gives.

  delta' = -delta, with delta the client's own update after local training.
  Composed with a data attack, delta is the update on the poisoned examples.

  Returns:
    The attack, with the hook `update`.

  References:
    "Better together: attaining the triad of Byzantine-robust federated learning
    via local update amplification", section 4.2.1 (G-asc).
  """

  def update(values: tf.Tensor, context: AttackContext) -> tf.Tensor:
    del context
    return -values

  return Attack('gradient_ascent', update=update)
