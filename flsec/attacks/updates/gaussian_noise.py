"""Send noise, or one's update with noise on it."""

from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows


@registry.attack('gaussian_noise', paper='Blanchard et al., NeurIPS 2017')
def gaussian_noise(
  *, mode: str = 'additive', scale: Optional[float] = None, mean: float = 0.0
) -> attack_lib.Attack:
  """Gaussian noise added to the own update, or sent in its place.

  `x = own + e` (additive) or `x = e` (replace), `e ~ N(mean, scale^2)` drawn
  per coordinate, client and round. It runs on each malicious client by itself
  after local training, so needs no knowledge and no stack of updates. The noise
  is the update's, which the server adds: a mean above 0 moves the weights up.

  Args:
    mode: 'additive' or 'replace'.
    scale: the noise's standard deviation, >= 0; None takes the standard
      deviation of the own update's coordinates (ddof = 0), so that the noise
      follows the updates as they shrink.
    mean: the noise's mean.

  Returns:
    The attack, an update hook.

  Raises:
    ValueError: if mode is neither, or scale is negative.

  References:
    Blanchard, El Mhamdi, Guerraoui and Stainer, "Machine Learning with
    Adversaries: Byzantine Tolerant Gradient Descent", NeurIPS 2017, section 5
    (Gaussian Byzantine workers).
  """
  known_rows.require_choice(
    'gaussian_noise', 'mode', mode, ('additive', 'replace')
  )
  if scale is not None:
    known_rows.require_non_negative('gaussian_noise', 'scale', scale)

  def disturb(
    update: tf.Tensor, context: attack_lib.AttackContext
  ) -> tf.Tensor:
    seed = known_rows.round_seed(context, 'gaussian_noise')
    std = tf.math.reduce_std(update) if scale is None else scale
    noise = (
      tf.random.stateless_normal(tf.shape(update), seed, alg='philox') * std
      + mean
    )
    return update + noise if mode == 'additive' else noise

  def idle(num_clients: int, num_byzantine: int) -> Optional[str]:
    del num_clients, num_byzantine
    is_none = mode == 'additive' and scale == 0 and mean == 0
    return 'scale and mean of the noise are 0' if is_none else None

  return attack_lib.Attack(name='gaussian_noise', update=disturb, idle=idle)
