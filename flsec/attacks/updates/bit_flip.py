"""Bit flipping: every local gradient changes its sign."""

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext


@registry.attack('bit_flip', paper='Karimireddy et al., ICLR 2022')
def bit_flip() -> Attack:
  """Flips the sign of each stochastic gradient before the client's momentum.

  g' = -g, so that a client with momentum m keeps m' = beta m - (1 - beta) g.
  With one step a round at a fixed learning rate this is minus the client's
  honest momentum; with several steps the client climbs from its own points.
  For the sign of the finished update see `gradient_ascent`.

  Returns:
    The attack, with the hook `gradient`.

  References:
    Karimireddy et al., "Byzantine-robust learning on heterogeneous datasets via
    bucketing", ICLR 2022, appendix A.1 (bit flipping); the baseline of the
    hybrid sparse attack's paper.
  """

  def gradient(
    values: tf.Tensor, weights: tf.Tensor, context: AttackContext
  ) -> tf.Tensor:
    del weights, context
    return -values

  return Attack('bit_flip', gradient=gradient)
