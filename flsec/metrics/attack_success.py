"""How often an attack reaches its goal on held-out test examples."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flsec.metrics.accuracy import checked_pair, share


class Rate(NamedTuple):
  """A share and what it is a share of.

  Attributes:
    rate: in [0, 1]; NaN where count is 0.
    count: the test examples that it was measured on.
  """

  rate: float
  count: int


def success_rate(
  predictions: ArrayLike, wanted: ArrayLike, mask: ArrayLike
) -> Rate:
  """Returns the share of victims that the model takes for the wanted class.

  Attack success rate = #{i : mask_i, prediction_i = wanted_i} / #{i : mask_i}.
  The three come from an attack's `victims`, whose mask leaves out test images
  of the target class (the model would call them so without an attack).

  Args:
    predictions: int [s], on the victims' examples, trigger and all.
    wanted: int [s], what the attacker wants.
    mask: bool [s], which examples count.

  Raises:
    ValueError: if the three are not vectors of one length.

  References:
    FedER, section 5.1; AGRAMPLIFIER, equation 2; Wu et al., 2020, section V-E
    (victim class).
  """
  predictions, wanted = checked_pair(predictions, wanted)
  mask, _ = checked_pair(np.asarray(mask, bool), wanted)
  return Rate(share(predictions[mask] == wanted[mask]), int(mask.sum()))


def error_rate(
  predictions: ArrayLike,
  labels: ArrayLike,
  source_label: int,
  target_label: int,
) -> Rate:
  """Returns the share of a class's test images taken for another class.

  Args:
    predictions: int [s], on clean test examples.
    labels: int [s], their true classes.
    source_label: the victim class.
    target_label: the class it is flipped to.

  Raises:
    ValueError: if predictions and labels are not vectors of one length.

  References:
    The FLAP paper's error rate; its code measures it on the training images of
    one malicious client, here it is measured on test images.
  """
  predictions, labels = checked_pair(predictions, labels)
  is_source = labels == source_label
  rate = share(predictions[is_source] == target_label)
  return Rate(rate, int(is_source.sum()))


def source_error(
  predictions: ArrayLike, labels: ArrayLike, source_label: int
) -> Rate:
  """Returns the share of a class's test images taken for any other class.

  Raises:
    ValueError: if predictions and labels are not vectors of one length.
  """
  predictions, labels = checked_pair(predictions, labels)
  is_source = labels == source_label
  rate = share(predictions[is_source] != source_label)
  return Rate(rate, int(is_source.sum()))
