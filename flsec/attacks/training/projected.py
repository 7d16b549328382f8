"""Projected training: a malicious client that stays near the global weights."""

import dataclasses

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.hooks import chain_projection, chain_update, join_training

NORMS = ('l2', 'linf')


@registry.attack('projected', paper='Sun et al., 2019 (PGD)')
def projected(
  *, attack: Attack, radius: float, norm: str = 'l2', scale: float = 1.0
) -> Attack:
  """Keeps an attack's training within a ball, then scales what it sends.

  After every step of the optimiser the weights v are moved to the nearest point
  of the ball around the broadcast weights w:

    l2:   v = w + u * min(1, radius / ||u||),  u = v - w
    linf: v = w + clip(u, -radius, radius)

  After training the update is multiplied by `scale`, so that its norm is at
  most scale * radius.

  Args:
    attack: the attack whose training is bounded.
    radius: of the ball, above 0.
    norm: 'l2' or 'linf'.
    scale: factor on the finished update.

  Returns:
    The attack, with the hooks of `attack`, `project` and `update`.

  Raises:
    ValueError: radius or scale not above 0, or an unknown norm.

  References:
    Sun et al., "Can you really backdoor federated learning?", 2019, section 3
    (norm-bounded backdoor); Wang et al., "Attack of the tails", NeurIPS 2020,
    section 3 (PGD with and without replacement).
  """
  if norm not in NORMS:
    raise ValueError(
      f'projected knows the norms {", ".join(NORMS)}; got {norm!r}.'
    )
  for option, value in (('radius', radius), ('scale', scale)):
    if not value > 0:
      raise ValueError(f'projected needs {option} > 0; got {value}.')

  def project(weights: tf.Tensor, context: AttackContext) -> tf.Tensor:
    moved = weights - context.weights
    if norm == 'linf':
      return context.weights + tf.clip_by_value(moved, -radius, radius)
    # Divides by no less than the radius: a client that has not moved stays.
    length = tf.maximum(tf.norm(moved), radius)
    return context.weights + moved * (radius / length)

  def update(values: tf.Tensor, context: AttackContext) -> tf.Tensor:
    del context
    return scale * values

  train = attack.train and join_training(attack.train, project=project)
  return dataclasses.replace(
    attack,
    name=f'projected({attack.name})',
    project=chain_projection([attack.project, project]),
    update=chain_update([attack.update, update]),
    idle=attack.idle if scale == 1 else None,
    train=train,
  )
