"""What centered clipping leaves of an attack: its drift from the centre."""

import math
from typing import NamedTuple

import tensorflow as tf


class Drift(NamedTuple):
  """How far malicious rows pull a clipped mean, and whereto.

  Attributes:
    drift_norm: float32 scalar, the mean distance of the rows from the centre,
      before it is clipped.
    angle_degrees: float32 scalar, between the effective perturbation and the
      centre.
    cosine: float32 scalar, of the effective perturbation and the round's
      before: how the attack adds up over time.
    perturbation: float32 [d], the effective perturbation, the mean of what
      clipping leaves of the rows' drifts; 0 where there are no rows.
  """

  drift_norm: tf.Tensor
  angle_degrees: tf.Tensor
  cosine: tf.Tensor
  perturbation: tf.Tensor


def drift(
  rows: tf.Tensor, centre: tf.Tensor, previous: tf.Tensor, radius: float
) -> Drift:
  """Measures the drift of malicious rows.

  With the drifts `D_i = x_i - v`, the effective perturbation is `p = mean_i
  min(1, tau / ||D_i||) D_i`. What is not defined is NaN: without rows, next to
  a centre that is 0 (as in the first round), without a perturbation before.

  Args:
    rows: x, float32 [c, d], the malicious clients' updates.
    centre: v, float32 [d], the rule's result of the round before.
    previous: float32 [d], the `perturbation` of the round before; 0: none.
    radius: tau.

  References:
    Ozfatura et al., "Aggressive or imperceptible, or both: network pruning
    assisted hybrid Byzantines in federated learning", equations 14 and 15, and
    Table III.
  """
  drifts = tf.cast(rows - centre, tf.float64)
  norms = tf.norm(drifts, axis=1)
  factors = tf.where(norms > radius, radius / tf.maximum(norms, radius), 1.0)
  count = tf.cast(tf.shape(rows)[0], tf.float64)
  effective = tf.math.divide_no_nan(
    tf.linalg.matvec(drifts, factors, transpose_a=True), count
  )
  angle = tf.acos(_cosine(effective, tf.cast(centre, tf.float64)))
  found = (
    tf.reduce_sum(norms) / count,
    angle * (180 / math.pi),
    _cosine(effective, tf.cast(previous, tf.float64)),
    effective,
  )
  return Drift(*(tf.cast(one, tf.float32) for one in found))


def _cosine(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
  cosine = tf.reduce_sum(a * b) / (tf.norm(a) * tf.norm(b))
  return tf.clip_by_value(cosine, -1.0, 1.0)  # NaN stays.
