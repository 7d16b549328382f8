"""The tests of a model as one function of tensors, and what its counts say.

On another machine there is no `Evaluator`; what it measures is counted there,
and divided here.
"""

import collections
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from flsec.experiment.assembly import Assembly
from flsec.experiment.evaluation import Evaluator
from flsec.experiment.summary import CONTROL, ERROR_RATE, SUCCESS_RATE

Struct = collections.OrderedDict


class ExportedTests:
  """Measures what `Evaluator` measures, in two halves."""

  def __init__(self, assembled: Assembly, evaluator: Evaluator) -> None:
    """Takes an experiment's model, test set and attack.

    Args:
      assembled: the experiment.
      evaluator: of the same; it knows whom the attack is after.
    """
    plan = assembled.plan
    self._model = plan.model
    self._attack = plan.attack and plan.attack.attack
    self._victims = evaluator.victims
    labels = assembled.federation.test.y
    self._counts = np.bincount(labels, minlength=plan.model.num_classes)

  def count(self, weights: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> Struct:
    """Counts what a model gets right.

    Args:
      weights: float32 [d].
      x: the test examples as stored, [s, ...].
      y: int32 [s].

    Returns:
      right int32 [num_classes], by true class; loss float64, the mean
      cross-entropy; where the attack has victims, taken int32 (of their images
      as the attacker shows them, those taken for his label) and, where they
      carry a trigger, taken_clean (of the same images without it).
    """
    images = self._model.inputs(x)
    logits = self._model.logits(weights, images)
    predicted = tf.argmax(logits, axis=1, output_type=tf.int32)
    is_of_class = tf.equal(y[:, None], tf.range(self._model.num_classes))
    is_right = tf.equal(predicted, y)[:, None] & is_of_class
    found = Struct(
      right=tf.reduce_sum(tf.cast(is_right, tf.int32), axis=0),
      loss=_cross_entropy(logits, is_of_class),
    )
    if not self._victims:
      return found
    victims = self._attack.victims(images, y)
    if self._victims.rows is not None:
      clean = predicted
      found['taken_clean'] = _taken(clean, victims)
    if self._victims.x is not None:
      logits = self._model.logits(weights, victims.x)
      shown = tf.argmax(logits, axis=1, output_type=tf.int32)
      found['taken'] = _taken(shown, victims)
    return found

  def metrics(self, counted: Mapping[str, Any]) -> dict[str, float]:
    """Returns what `Evaluator.evaluate` does, from what `count` counted."""
    right = np.asarray(counted['right'], np.int64)
    metrics = {
      'test/accuracy': float(right.sum() / self._counts.sum()),
      'test/loss': float(counted['loss']),
    }
    shares = np.full(len(right), np.nan)
    np.divide(right, self._counts, out=shares, where=self._counts > 0)
    for label, value in enumerate(shares):
      metrics[f'test/accuracy_class_{label}'] = float(value)
    if not self._victims:
      return metrics
    number = len(self._victims.wanted)
    if 'taken_clean' in counted:
      name = ERROR_RATE if self._victims.x is None else CONTROL
      metrics[name] = _share(counted['taken_clean'], number)
    if 'taken' in counted:
      metrics[SUCCESS_RATE] = _share(counted['taken'], number)
    metrics['attack/victims'] = number
    return metrics


def _taken(predicted: tf.Tensor, victims: Any) -> tf.Tensor:
  is_taken = tf.equal(predicted, tf.cast(victims.y, tf.int32)) & victims.mask
  return tf.reduce_sum(tf.cast(is_taken, tf.int32))


def _cross_entropy(logits: tf.Tensor, is_of_class: tf.Tensor) -> tf.Tensor:
  logits = tf.cast(logits, tf.float64)
  own = tf.reduce_sum(tf.where(is_of_class, logits, 0.0), axis=1)
  return tf.reduce_mean(tf.reduce_logsumexp(logits, axis=1) - own)


def _share(count: Any, number: int) -> float:
  return int(count) / number if number else float('nan')
