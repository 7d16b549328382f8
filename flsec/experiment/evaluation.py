"""Tests the global model: the whole test set, and the attack's victims."""

import dataclasses
from typing import Callable, Optional

import numpy as np
import tensorflow as tf
from absl import logging

from flsec.attacks.attack import Attack, Victims
from flsec.config import schema
from flsec.data.dataset import Split
from flsec.experiment import forward_pass
from flsec.experiment.assembly import Assembly
from flsec.experiment.summary import CONTROL, ERROR_RATE, SUCCESS_RATE
from flsec.metrics import accuracy, attack_success
from flsec.models.flat import FlatModel
from flsec.runtime import threads


class Evaluator:
  """Measures accuracy, loss and attack success on held-out examples.

  Attributes:
    whole_pass: runs the model.
    confusion: int64 [classes, classes], which class of the test set (row) was
      taken for which in the last evaluation; None before the first.
    victims: of the attack; None: there are none.
  """

  def __init__(
    self,
    model: FlatModel,
    test: Split,
    *,
    batch_size: int,
    num_threads: int,
    attack: Optional[Attack] = None,
    reads_batch: bool = False,
  ) -> None:
    """Prepares the test examples.

    Args:
      model: the flat model.
      test: the whole test set.
      batch_size: examples in one pass.
      num_threads: passes at once.
      attack: whose success is measured; None or one without victims: not.
      reads_batch: whether batch normalisation takes each batch's own
        statistics.
    """
    self._model, self._test = model, test
    self.confusion: Optional[np.ndarray] = None
    self.whole_pass = forward_pass.WholePass(
      model,
      batch_size=batch_size,
      num_threads=num_threads,
      reads_batch=reads_batch,
    )
    self.victims: Optional[TestVictims] = None
    if attack is not None and attack.victims is not None:
      self.victims = self._find_victims(attack.name, attack.victims)

  def evaluate(
    self, weights: np.ndarray, through: Optional[forward_pass.Pass] = None
  ) -> dict[str, float]:
    """Returns the metrics of a weight vector, float32 [d].

    Args:
      weights: the vector.
      through: how the model is run; None: as a whole, `whole_pass`.

    Returns:
      `test/accuracy` and `test/loss` (nats) on the whole test set,
      `test/accuracy_class_<k>`; and of the attack's victims the share that is
      taken for the attacker's label: `attack/error_rate` where their images
      are clean, `attack/success_rate` where they carry a trigger. Beside this
      stands `attack/clean_error_rate`, the share of the same images without
      the trigger: where it is as high, what was taught is no backdoor, but that
      one class is the other. Images of the attacker's own have no such control.
    """
    through = through or self.whole_pass
    logits = through.logits(weights, self._test.x)
    predictions = logits.argmax(axis=1)
    metrics = {
      'test/accuracy': accuracy.accuracy(predictions, self._test.y),
      'test/loss': accuracy.cross_entropy(logits, self._test.y),
    }
    self.confusion = accuracy.confusion_matrix(
      predictions, self._test.y, self._model.num_classes
    )
    for label, value in enumerate(accuracy.recall(self.confusion)):
      metrics[f'test/accuracy_class_{label}'] = float(value)
    if self.victims:
      metrics.update(
        self._attack_metrics(self.victims, weights, predictions, through)
      )
    return metrics

  def _attack_metrics(
    self,
    victims: 'TestVictims',
    weights: np.ndarray,
    predictions: np.ndarray,
    through: forward_pass.Pass,
  ) -> dict[str, float]:
    metrics: dict[str, float] = {}
    if victims.rows is not None:
      rate = _rate(predictions[victims.rows], victims.wanted)
      name = ERROR_RATE if victims.x is None else CONTROL
      metrics[name] = rate.rate
    if victims.x is not None:
      logits = through.logits(weights, victims.x, is_stored=False)
      rate = _rate(logits.argmax(axis=1), victims.wanted)
      metrics[SUCCESS_RATE] = rate.rate
    metrics['attack/victims'] = rate.count
    return metrics

  def _find_victims(
    self, name: str, victims: Callable[[tf.Tensor, tf.Tensor], Victims]
  ) -> 'TestVictims':
    x = self._model.inputs(self._test.x)
    found = victims(x, tf.constant(self._test.y, tf.int32))
    mask = np.asarray(found.mask)
    if not mask.any():
      logging.warning(
        'attack: the test set holds no victim of %s, so that its success '
        'cannot be measured.',
        name,
      )
    changed = found.x.numpy()[mask]
    is_aligned = found.are_test_examples and found.x.shape == x.shape
    rows = np.flatnonzero(mask) if is_aligned else None
    is_clean = rows is not None and np.array_equal(changed, x.numpy()[mask])
    return TestVictims(
      x=None if is_clean else changed,
      rows=rows,
      wanted=np.asarray(found.y)[mask],
    )


def evaluator_of(
  experiment: schema.Experiment, assembled: Assembly
) -> Evaluator:
  """Returns the evaluator of an experiment."""
  attack = assembled.plan.attack
  return Evaluator(
    assembled.plan.model,
    assembled.federation.test,
    batch_size=experiment.evaluation.batch_size,
    num_threads=experiment.runtime.threads or threads.usable_cores(),
    attack=attack.attack if attack else None,
    reads_batch=experiment.evaluation.batch_statistics,
  )


@dataclasses.dataclass(frozen=True)
class TestVictims:
  """Whose classes an attack is after.

  Attributes:
    x: float32 [v, ...], their images as the attacker shows them; None where
      these are the clean ones.
    rows: int [v], which test examples they are made of; None where of none.
    wanted: int [v], the attacker's labels.
  """

  x: Optional[np.ndarray]
  rows: Optional[np.ndarray]
  wanted: np.ndarray


def _rate(predictions: np.ndarray, wanted: np.ndarray) -> attack_success.Rate:
  return attack_success.success_rate(
    predictions, wanted, np.ones(len(wanted), bool)
  )
