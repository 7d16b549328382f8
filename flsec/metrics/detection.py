"""How well a rule tells malicious clients from benign ones in a round."""

import tensorflow as tf


def detection(
  selected: tf.Tensor, malicious: tf.Tensor
) -> dict[str, tf.Tensor]:
  """Compares the rows that a rule left out with the malicious ones.

  A client is taken for malicious where its share in the result is 0. So the
  figures say something of rules with `Rule.leaves_out_rows` (Krum, Bulyan,
  FLTrust, ...), and the share of those with `Rule.has_shares`; of a median they
  say nothing.

    precision = left out and malicious / left out
    recall = left out and malicious / malicious

  Args:
    selected: float32 [n], each client's share in the result.
    malicious: bool [n].

  Returns:
    Scalars: float32 `detection/precision` (NaN where no row was left out),
    `detection/recall` (NaN where no client is malicious) and
    `detection/malicious_share` (of all shares together; NaN where they are 0);
    int32 `detection/selected_benign`, `detection/selected_malicious`.

  Raises:
    ValueError: the two differ in length.
  """
  selected = tf.convert_to_tensor(selected, tf.float32)
  malicious = tf.convert_to_tensor(malicious, tf.bool)
  if selected.shape.rank != 1 or not selected.shape.is_compatible_with(
    malicious.shape
  ):
    raise ValueError(
      'detection takes selected [n] and malicious [n]; got '
      f'{selected.shape} and {malicious.shape}.'
    )
  kept = selected > 0
  caught = _count(~kept & malicious)
  magnitude = tf.abs(selected)
  return {
    'detection/precision': _ratio(caught, _count(~kept)),
    'detection/recall': _ratio(caught, _count(malicious)),
    'detection/malicious_share': _ratio(
      tf.reduce_sum(tf.where(malicious, magnitude, 0.0)),
      tf.reduce_sum(magnitude),
    ),
    'detection/selected_benign': _count(kept & ~malicious),
    'detection/selected_malicious': _count(kept & malicious),
  }


def _count(mask: tf.Tensor) -> tf.Tensor:
  return tf.reduce_sum(tf.cast(mask, tf.int32))


def _ratio(part: tf.Tensor, whole: tf.Tensor) -> tf.Tensor:
  part, whole = tf.cast(part, tf.float32), tf.cast(whole, tf.float32)
  is_defined = whole > 0
  ratio = part / tf.where(is_defined, whole, 1.0)
  return tf.where(is_defined, ratio, float('nan'))
