"""Relocated orthogonal perturbation, against centred clipping."""

import functools
import math
from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows
from flsec.attacks.updates import alie
from flsec.numerics import moments


@registry.attack('rop', paper='Ozfatura et al., IEEE TIFS 2024')
def rop(
  *,
  scale: Optional[float] = 1.0,
  angle: float = 90.0,
  momentum: float = 0.9,
  relocation: float = 1.0,
) -> attack_lib.Attack:
  """Relocated orthogonal perturbation around the last aggregate.

  With `v` the last aggregated update (0 in round 1) and `mu` the mean of the
  rows known:

      u   = lambda * v + (1 - lambda) * mu
      r   = 1 - u * <1, u> / <u, u>
      dir = sin(theta) * r / |r| + cos(theta) * u / |u|
      x   = pi * v + (1 - pi) * mu + z * dir / |dir|

  so the perturbation's norm is z. Centred clipping clips around `v`, so with
  pi = 1 and z up to its radius the perturbation passes whole. Where u = 0,
  `dir` is the all-ones direction; where u is parallel to the ones, `r` is a
  random direction orthogonal to u (none exists for d = 1: there x has no
  perturbation at 90 degrees).

  The rows, and `v`, are gradients (client momenta), which the server subtracts:
  at 90 degrees a malicious row moves the weights down, by z along the part of
  the all-ones direction that is orthogonal to u (with `space: update`, or at
  270 degrees, up).

  Args:
    scale: z >= 0; None takes ALIE's z_max of n and f.
    angle: theta, degrees; 270 turns the perturbation's sign.
    momentum: lambda in [0, 1], the weight of `v` in the reference direction.
    relocation: pi in [0, 1], how far the centre is moved from mu to v.

  Returns:
    The attack; full knowledge by default.

  Raises:
    ValueError: if an option is outside its range.

  References:
    Ozfatura, Ozfatura, Kupcu and Gunduz, "Byzantines Can Also Learn From
    History: Fall of Centered Clipping in Federated Learning", IEEE TIFS 2024.
  """
  if scale is not None:
    known_rows.require_non_negative('rop', 'scale', scale)
  for option, value in (('momentum', momentum), ('relocation', relocation)):
    if not 0 <= value <= 1:
      raise ValueError(f'Attack rop needs 0 <= {option} <= 1; got {value}.')
  if not math.isfinite(angle):
    raise ValueError(f'Attack rop needs a finite angle, degrees; got {angle}.')

  craft_vector = functools.partial(
    _relocated,
    scale=scale,
    angle=math.radians(angle),
    momentum=momentum,
    relocation=relocation,
  )
  return attack_lib.Attack(
    name='rop',
    craft=known_rows.same_for_all(craft_vector),
    default_knowledge='full',
    idle=functools.partial(alie.idle_scale, scale),
  )


def _relocated(
  rows: tf.Tensor,
  context: attack_lib.AttackContext,
  *,
  scale: Optional[float],
  angle: float,
  momentum: float,
  relocation: float,
) -> tf.Tensor:
  mean = moments.mean(rows)
  last = context.previous_update
  last = tf.zeros_like(mean) if last is None else last
  reference = momentum * last + (1 - momentum) * mean
  z = alie.scale_of_round(scale, context, 'rop')
  direction = _direction(reference, angle, context)
  return relocation * last + (1 - relocation) * mean + z * direction


def _direction(
  reference: tf.Tensor, angle: float, context: attack_lib.AttackContext
) -> tf.Tensor:
  """Returns the unit vector at `angle` radians from `reference` [d]."""
  along = _unit(reference)
  ones = _unit(tf.ones_like(reference))
  across = _without(ones, along)
  # Rounding leaves about 1e-7 of the unit-length `ones` where it is parallel.
  across = tf.cond(
    _dot(across, across) > 1e-10,
    lambda: across,
    lambda: _random_orthogonal(along, context),
  )
  direction = math.sin(angle) * _unit(across) + math.cos(angle) * along
  return tf.cond(_dot(along, along) > 0, lambda: _unit(direction), lambda: ones)


def _random_orthogonal(
  along: tf.Tensor, context: attack_lib.AttackContext
) -> tf.Tensor:
  seed = known_rows.round_seed(context, 'rop')
  noise = tf.random.stateless_normal(tf.shape(along), seed, alg='philox')
  return _without(noise, along)


def _without(vector: tf.Tensor, unit: tf.Tensor) -> tf.Tensor:
  """Rejects `unit` [d] (of norm 1 or 0) from `vector` [d]."""
  return vector - tf.cast(_dot(vector, unit), vector.dtype) * unit


def _unit(vector: tf.Tensor) -> tf.Tensor:
  norm = tf.cast(tf.sqrt(_dot(vector, vector)), vector.dtype)
  return tf.math.divide_no_nan(vector, norm)


def _dot(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
  # In float64: squares of small updates leave float32's range.
  return tf.reduce_sum(tf.cast(a, tf.float64) * tf.cast(b, tf.float64))
