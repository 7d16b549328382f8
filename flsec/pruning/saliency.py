"""Saliency of a pair of units: how alike they are, times what depends on it."""

import tensorflow as tf

# Below this share of the squared norms a squared distance is rounding error.
_ROUNDING = 1e-14


def distances(incoming: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
  """Returns how far units are apart, float64 [n, n].

  `|W_a - W_b| + |bias_a - bias_b| / |bias_a + bias_b|`, W the incoming weights
  (l2 norm); the second term is 0 where its denominator is 0. It grows without
  bound where two biases nearly cancel.

  Args:
    incoming: float64 [fan_in, n].
    bias: float64 [n].
  """
  # The mean column is taken off first: it cancels, and would cost digits.
  incoming -= tf.reduce_mean(incoming, axis=1, keepdims=True)
  gram = tf.matmul(incoming, incoming, transpose_a=True)  # [n, n]
  squares = tf.linalg.diag_part(gram)
  scale = squares[:, None] + squares
  squared = scale - 2.0 * gram
  squared = tf.where(squared > _ROUNDING * scale, squared, 0.0)
  sums = tf.abs(bias[:, None] + bias)
  ratio = tf.math.divide_no_nan(tf.abs(bias[:, None] - bias), sums)
  return tf.sqrt(squared) + ratio


def saliency(
  incoming: tf.Tensor,
  bias: tf.Tensor,
  outgoing: tf.Tensor,
  *,
  weigh_by_kept: bool = False,
) -> tf.Tensor:
  """Returns s[a, b], the saliency of removing unit b in favour of unit a.

  `s(a, b) = distance(a, b) * |A_b|`, A the outgoing weights (l2 norm): the
  consumer changes by `(h_a - h_b) A_b` when A_b is moved to unit a.

  Args:
    incoming: float64 [fan_in, n], W.
    bias: float64 [n].
    outgoing: float64 [n, next_units], A.
    weigh_by_kept: weigh by `|A_a|` instead, as the released code does.

  Returns:
    float64 [n, n].

  References:
    Srinivas & Babu, BMVC 2015 (data-free pairwise pruning); Meng et al., arXiv
    2204.00783, 2022 (with biases); Meng et al., ICICS 2023, section 4.2.
  """
  norms = tf.norm(outgoing, axis=1)
  weights = norms[:, None] if weigh_by_kept else norms[None, :]
  return distances(incoming, bias) * weights
