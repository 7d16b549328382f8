"""The server's own test of weights, on its validation examples."""

import numpy as np

from flsec.data.dataset import Split
from flsec.defenses.phase import Score
from flsec.experiment.forward_pass import Pass
from flsec.metrics import accuracy


def score(through: Pass, examples: Split, weights: np.ndarray) -> Score:
  """Returns how good weights are on the server's validation examples.

  Args:
    through: how the model is run.
    examples: the server's.
    weights: float32 [d].
  """
  logits = through.logits(weights, examples.x)
  return Score(
    accuracy.accuracy(logits.argmax(axis=1), examples.y),
    accuracy.cross_entropy(logits, examples.y),
  )
