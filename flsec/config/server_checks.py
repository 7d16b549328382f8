"""Refuses what the section `server` cannot mean beside the others."""

from flsec.config.errors import ConfigError
from flsec.config.root_training import RootTrainingConfig
from flsec.config.schedule import ScheduleConfig
from flsec.config.schema import Experiment


def check_server(experiment: Experiment) -> None:
  """Checks the server's schedule, and its own training beside the clients'.

  Raises:
    ConfigError: names the YAML path, what was found and the way out.
  """
  _check_schedule(experiment.server.schedule)
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


def _check_schedule(schedule: ScheduleConfig) -> None:
  wanted = {
    'constant': (0, 'has none; name a schedule that falls, or leave it out'),
    'cosine': (1, 'takes one number, after which the rate is zero'),
    'exponential': (1, 'takes one number, in which the factor counts once'),
  }
  count, words = wanted.get(schedule.name, (None, 'takes at least one round'))
  given = len(schedule.rounds)
  if given != count and not (count is None and given):
    raise ConfigError(
      'server.schedule.rounds',
      f'{schedule.name} {words}; found {list(schedule.rounds)}.',
    )
