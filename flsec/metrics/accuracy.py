"""How often a model is right, from its predictions on the test set.

All functions take NumPy arrays or eager tensors and compute in float64. A share
of nothing is NaN, never 0.
"""

import numpy as np
from numpy.typing import ArrayLike


def accuracy(predictions: ArrayLike, labels: ArrayLike) -> float:
  """Returns the share of predictions that are right; NaN if there are none.

  Args:
    predictions: int [s], the predicted classes.
    labels: int [s], the true ones.

  Raises:
    ValueError: if the two are not vectors of one length.
  """
  predictions, labels = checked_pair(predictions, labels)
  return share(predictions == labels)


def per_class_accuracy(
  predictions: ArrayLike, labels: ArrayLike, num_classes: int
) -> np.ndarray:
  """Returns float64 [num_classes], each class's share of right predictions.

  The share is over the test examples of that class (its recall); NaN for a
  class without any.

  Raises:
    ValueError: if the two are not vectors of one length, or a class is outside
      0 to num_classes - 1.
  """
  return recall(confusion_matrix(predictions, labels, num_classes))


def recall(confusion: np.ndarray) -> np.ndarray:
  """Returns float64 [classes], as `per_class_accuracy` of what was counted.

  Args:
    confusion: int [classes, classes], as `confusion_matrix` counts.
  """
  counts = confusion.sum(axis=1)
  shares = np.full(len(counts), np.nan)
  np.divide(np.diag(confusion), counts, out=shares, where=counts > 0)
  return shares


def confusion_matrix(
  predictions: ArrayLike, labels: ArrayLike, num_classes: int
) -> np.ndarray:
  """Returns int64 [num_classes, num_classes]: row true, column predicted class.

  Raises:
    ValueError: if the two are not vectors of one length, or a class is outside
      0 to num_classes - 1.
  """
  predictions, labels = checked_pair(predictions, labels)
  for name, values in (('labels', labels), ('predictions', predictions)):
    if len(values) and not 0 <= values.min() <= values.max() < num_classes:
      raise ValueError(
        f'{name} must be classes from 0 to {num_classes - 1}; got '
        f'{values.min()} to {values.max()}.'
      )
  cells = labels.astype(np.int64) * num_classes
  cells += predictions.astype(np.int64)
  counts = np.bincount(cells, minlength=num_classes**2)
  return counts.reshape(num_classes, num_classes)


def cross_entropy(logits: ArrayLike, labels: ArrayLike) -> float:
  """Returns the mean of -log softmax(logits)[label]; NaN without examples.

  Args:
    logits: float [s, num_classes]; the largest is subtracted first, so that
      none overflows.
    labels: int [s].

  Raises:
    ValueError: if there are not as many rows as labels.
  """
  logits, labels = np.asarray(logits, np.float64), np.asarray(labels)
  if logits.ndim != 2 or labels.shape != logits.shape[:1]:
    raise ValueError(
      'cross_entropy takes logits [s, num_classes] and labels [s]; got '
      f'{logits.shape} and {labels.shape}.'
    )
  if not len(labels):
    return float('nan')
  logits = logits - logits.max(axis=1, keepdims=True)
  of_label = logits[np.arange(len(labels)), labels]
  return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - of_label))


def share(is_counted: np.ndarray) -> float:
  """Returns the mean of bool [s]; NaN without entries."""
  return float(np.mean(is_counted)) if len(is_counted) else float('nan')


def checked_pair(
  predictions: ArrayLike, labels: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
  """Returns both as arrays.

  Raises:
    ValueError: if they are not vectors of one length.
  """
  predictions, labels = np.asarray(predictions), np.asarray(labels)
  if predictions.ndim != 1 or predictions.shape != labels.shape:
    raise ValueError(
      'Predictions and labels must be vectors of one length; got the shapes '
      f'{predictions.shape} and {labels.shape}.'
    )
  return predictions, labels
