"""An experiment that is checked as it is before a run."""

from flsec.config import loading, overrides
from flsec.experiment import preflight

RAW = {
  'name': 'small',
  'rounds': 2,
  'dataset': {'name': 'digits'},
  'model': 'lenet5',
  'clients': {'num_clients': 18, 'optimizer': {'learning_rate': 0.1}},
  'attack': {'name': 'label_flip', 'num_byzantine': 4},
}


def check(*changes):
  """Checks the experiment with what `--set` would change."""
  flags = [overrides.parse(text) for text in changes]
  experiment = loading.from_mapping(overrides.apply(RAW, flags))
  preflight.check_components(experiment)
