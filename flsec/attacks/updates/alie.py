"""A Little Is Enough: stay within the spread of the benign updates."""

import functools
from typing import Any, Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows
from flsec.numerics import moments

_MAX_SCALE = 5.0


def largest_hidden_scale(num_clients: Any, num_byzantine: Any) -> tf.Tensor:
  """Returns z_max, the shift that still hides behind enough benign clients.

  With n clients of which f are malicious, `s = floor(n / 2 + 1) - f` benign
  ones must lie further out for a majority:
  `z_max = Phi^-1((n - f - s) / (n - f))`, clamped to [0, 5] (the quantile is
  negative where fewer than half need to, and infinite from f > n / 2).

  Args:
    num_clients: n, an int or an int tensor.
    num_byzantine: f, likewise.

  Returns:
    float32 scalar.

  References:
    Baruch, Baruch and Goldberg, NeurIPS 2019, Algorithm 3.
  """
  clients = tf.cast(num_clients, tf.float64)
  malicious = tf.cast(num_byzantine, tf.float64)
  supporters = tf.floor(clients / 2 + 1) - malicious
  benign = clients - malicious
  # Below Phi(5.5), so that no infinity reaches the clamp.
  share = tf.clip_by_value((benign - supporters) / benign, 0.5, 1 - 1e-8)
  z = tf.math.ndtri(share)
  return tf.cast(tf.minimum(z, _MAX_SCALE), tf.float32)


def scale_of_round(
  scale: Optional[float], context: attack_lib.AttackContext, name: str
) -> tf.Tensor:
  """Returns the given z, or z_max of the round where none is given.

  Raises:
    ValueError: if neither z nor the round's client counts are known.
  """
  if scale is not None:
    return tf.constant(scale, tf.float32)
  if context.num_clients is None or context.num_byzantine is None:
    raise ValueError(
      f'Attack {name} with scale=None works z out from '
      'AttackContext.num_clients and num_byzantine; at least one is None. '
      'Give both, or set scale.'
    )
  return largest_hidden_scale(context.num_clients, context.num_byzantine)


def idle_scale(
  scale: Optional[float], num_clients: int, num_byzantine: int
) -> Optional[str]:
  """Says why z is 0, for `Attack.idle`; None where it is not."""
  if scale is not None:
    return f'its scale z is {scale:g}' if scale == 0 else None
  if largest_hidden_scale(num_clients, num_byzantine) > 0:
    return None
  return (
    f'z_max, the scale of n={num_clients} and f={num_byzantine}, is 0 (too few '
    'malicious clients for a shift that hides); set scale, or raise '
    'num_byzantine'
  )


@registry.attack('alie', paper='Baruch et al., NeurIPS 2019')
def alie(*, scale: Optional[float] = None) -> attack_lib.Attack:
  """A little is enough: the benign mean less z standard deviations.

  `x = mu - z * sigma`, the same for all malicious clients, where `mu` and
  `sigma` (ddof = 1) are taken per coordinate over the rows known. One row
  known: sigma = 0, so `x` is that row.

  The rows are gradients, which the server subtracts: in a malicious row the
  weights go up, by z * sigma more than in the benign mean's. Libraries that add
  z * sigma to gradients (ByzFL), and `space: update`, move them down.

  Args:
    scale: z >= 0; None takes z_max of n and f (`largest_hidden_scale`), which
      is 0, and no attack, for small f (f <= 2 of n = 10).

  Returns:
    The attack; full knowledge by default.

  Raises:
    ValueError: if scale is negative.

  References:
    Baruch, Baruch and Goldberg, "A Little Is Enough: Circumventing Defenses
    For Distributed Learning", NeurIPS 2019, Algorithm 3.
  """
  if scale is not None:
    known_rows.require_non_negative('alie', 'scale', scale)

  def craft_vector(
    rows: tf.Tensor, context: attack_lib.AttackContext
  ) -> tf.Tensor:
    mean, std = moments.mean_and_std(rows)
    return mean - scale_of_round(scale, context, 'alie') * std

  return attack_lib.Attack(
    name='alie',
    craft=known_rows.same_for_all(craft_vector),
    default_knowledge='full',
    minimum_known_rows=2,
    idle=functools.partial(idle_scale, scale),
  )
