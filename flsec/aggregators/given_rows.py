"""Updates as a caller of a rule has them, as the stack that rules work on."""

from typing import Any

import numpy as np
import tensorflow as tf

_LARGEST = float(np.finfo(np.float32).max)


def stack_of(rule_name: str, updates: Any) -> tf.Tensor:
  """Returns updates as float32 [n, d].

  Args:
    rule_name: for the message.
    updates: an array, a tensor or nested lists of real numbers [n, d], of any
      precision.

  Raises:
    ValueError: another rank, no column, numbers that are not real, or one that
      is finite and that float32 cannot hold.
  """
  found = _array(rule_name, updates)
  if found.shape.rank != 2 or found.shape[1] == 0:
    raise ValueError(
      f'{rule_name} takes updates of shape [n, d], d at least 1; got '
      f'{found.shape}.'
    )
  if found.dtype == tf.float32:
    return found
  if not (found.dtype.is_floating or found.dtype.is_integer):
    raise ValueError(
      f'{rule_name} takes real numbers; got {found.dtype.name} of shape '
      f'{found.shape}.'
    )
  if tf.executing_eagerly() and found.dtype.max > _LARGEST:
    _check_range(rule_name, found.numpy())
  return tf.cast(found, tf.float32)


def weights_of(rule_name: str, weights: Any, updates: tf.Tensor) -> tf.Tensor:
  """Returns the weights of rows as float32 [n]; 1 each for None.

  Raises:
    ValueError: other than one real number a row.
  """
  if weights is None:
    return tf.ones(tf.shape(updates)[0])
  found = _array(rule_name, weights)
  is_real = found.dtype.is_floating or found.dtype.is_integer
  if not is_real or not found.shape.is_compatible_with(updates.shape[:1]):
    raise ValueError(
      f'{rule_name} takes a weight for each row, real numbers of shape '
      f'{updates.shape[:1]}; got {found.dtype.name} of shape {found.shape}.'
    )
  return tf.cast(found, tf.float32)


def _array(rule_name: str, given: Any) -> tf.Tensor:
  try:
    if isinstance(given, tf.Tensor):
      return given
    # By way of NumPy: TensorFlow would round lists to float32 unasked.
    return tf.constant(np.asarray(given))
  except (ValueError, TypeError, OverflowError) as error:
    kind = type(given).__name__
    shape = f'{kind} {getattr(given, "shape", "")}'.strip()
    raise ValueError(
      f'{rule_name} takes updates of shape [n, d], real numbers in rows of one '
      f'length; got {shape}, which is no tensor ({str(error)[:100]}).'
    ) from error


def _check_range(rule_name: str, values: np.ndarray) -> None:
  with np.errstate(invalid='ignore'):
    is_large = (np.abs(values.astype(np.float64)) > _LARGEST) & np.isfinite(
      values
    )
  if is_large.any():
    row, column = np.argwhere(is_large)[0]
    raise ValueError(
      f'{rule_name} works in float32; updates {list(values.shape)} hold '
      f'{values[row, column]:g} in row {row}, column {column}, beyond '
      f'{_LARGEST:g}. Scale them, or leave that row out.'
    )
