"""What runs are judged by, and in which rounds."""

import dataclasses
import enum

from flsec.experiment import summary


class Moment(enum.Enum):
  """The rounds that a number of a run is taken from."""

  LAST = 'last'
  MEAN = 'mean'

  @property
  def title(self) -> str:
    """What a reader calls it."""
    return {'last': 'last round', 'mean': 'mean of attacked rounds'}[self.value]


@dataclasses.dataclass(frozen=True)
class Measure:
  """A share of 1 that runs are judged by.

  Attributes:
    name: a word, for files and columns.
    title: what a reader calls it.
    metric: its column in a run's rows.
    is_higher_better: for the defender.
  """

  name: str
  title: str
  metric: str
  is_higher_better: bool


ACCURACY = Measure('accuracy', 'Test accuracy', summary.ACCURACY, True)
ERROR_RATE = Measure('error_rate', 'Error rate', summary.ERROR_RATE, False)
SUCCESS_RATE = Measure(
  'attack_success', 'Attack success', summary.SUCCESS_RATE, False
)
# What would be called success where nothing was triggered: as high as success,
# and the "backdoor" is but a flipped class.
CONTROL = Measure(
  'control', 'Control, without the trigger', summary.CONTROL, False
)
# Papers differ in which moment they print, so that both stand side by side:
# FLAP and AGRAMPLIFIER average over the attacked rounds, federated pruning and
# FedER print the final model.
MEASURES = (ACCURACY, ERROR_RATE, SUCCESS_RATE, CONTROL)
