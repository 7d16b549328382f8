"""Refuses what the section `server` cannot mean beside the others."""

from flsec.config.errors import ConfigError
from flsec.config.root_training import RootTrainingConfig
from flsec.config.schema import Experiment


def check_server(experiment: Experiment) -> None:
  """Checks the server's own training against its examples and the clients'.

  Raises:
    ConfigError: names the YAML path, what was found and the way out.
  """
  training, root = experiment.server.root_training, experiment.dataset.root
  clients = experiment.clients.optimizer
  here = 'server.root_training'
  if root is None:
    if training != RootTrainingConfig():
      raise ConfigError(
        here,
        'says how the server trains on its root examples, but it has none. '
        'Add, say, `root: {size: 100}` to dataset, or leave it out.',
      )
    return
  if training.batch_size is not None and training.batch_size > root.size:
    raise ConfigError(
      f'{here}.batch_size',
      f'must be at most dataset.root.size, which is {root.size}; found '
      f'{training.batch_size}.',
    )
  if (
    training.optimizer not in (None, clients.name)
    and training.learning_rate is None
  ):
    raise ConfigError(
      f'{here}.learning_rate',
      f"is missing; the clients' {clients.learning_rate} belongs to "
      f'{clients.name}, and server.root_training.optimizer is '
      f'{training.optimizer}.',
    )
