"""Tests the global model: the whole test set, and the attack's victims."""

from typing import Optional

import numpy as np
import tensorflow as tf

from flsec.attacks.attack import Attack
from flsec.data.dataset import Split
from flsec.experiment import forward_pass
from flsec.metrics import accuracy, attack_success
from flsec.models.flat import FlatModel


class Evaluator:
  """Measures accuracy, loss and attack success on held-out examples.

  Attributes:
    whole_pass: runs the model.
  """

  def __init__(
    self,
    model: FlatModel,
    test: Split,
    *,
    batch_size: int,
    num_threads: int,
    attack: Optional[Attack] = None,
  ) -> None:
    """Prepares the test examples.

    Args:
      model: the flat model.
      test: the whole test set.
      batch_size: examples in one pass.
      num_threads: passes at once.
      attack: whose success is measured; None or one without victims: not.
    """
    self._model, self._test = model, test
    self.whole_pass = forward_pass.WholePass(
      model, batch_size=batch_size, num_threads=num_threads
    )
    self._victims = attack and attack.victims and self._find_victims(attack)

  def evaluate(
    self, weights: np.ndarray, through: Optional[forward_pass.Pass] = None
  ) -> dict[str, float]:
    """Returns the metrics of a weight vector, float32 [d].

    Args:
      weights: the vector.
      through: how the model is run; None: as a whole, `whole_pass`.

    Returns:
      `test/accuracy` and `test/loss` (nats) on the whole test set,
      `test/accuracy_class_<k>`; and on the attack's victims
      `attack/error_rate` where their images are clean (the share taken for the
      attacker's label), `attack/success_rate` where they carry a trigger.
    """
    through = through or self.whole_pass
    logits = through.logits(weights, self._test.x)
    predictions = logits.argmax(axis=1)
    metrics = {
      'test/accuracy': accuracy.accuracy(predictions, self._test.y),
      'test/loss': accuracy.cross_entropy(logits, self._test.y),
    }
    classes = accuracy.per_class_accuracy(
      predictions, self._test.y, self._model.num_classes
    )
    for label, value in enumerate(classes):
      metrics[f'test/accuracy_class_{label}'] = float(value)
    if self._victims:
      name, x, wanted = self._victims
      predictions = through.logits(weights, x, is_stored=False).argmax(axis=1)
      rate = attack_success.success_rate(
        predictions, wanted, np.ones(len(wanted), bool)
      )
      metrics[name] = rate.rate
      metrics['attack/victims'] = rate.count
    return metrics

  def _find_victims(self, attack: Attack) -> tuple[str, np.ndarray, np.ndarray]:
    x = self._model.inputs(self._test.x)
    victims = attack.victims(x, tf.constant(self._test.y, tf.int32))
    mask = np.asarray(victims.mask)
    changed = victims.x.numpy()[mask]
    is_clean = victims.x.shape == x.shape and np.array_equal(
      changed, x.numpy()[mask]
    )
    name = 'attack/error_rate' if is_clean else 'attack/success_rate'
    return name, changed, np.asarray(victims.y)[mask]
