"""Refuses attack sections that contradict themselves or the run."""

from typing import Optional

from flsec.config.errors import ConfigError
from flsec.config.schema import AttackConfig, ClientsConfig


def check_attack(
  attack: Optional[AttackConfig], clients: ClientsConfig
) -> None:
  """Checks who is malicious and when, and how they train.

  A `start_round` beyond the run's rounds is no error here: a run that is cut
  short to try it out is warned of it (`flsec.experiment.attack_checks`).

  Raises:
    ConfigError: as `flsec.config.validate.validate`.
  """
  if attack is None:
    return
  num_clients = clients.num_clients
  if attack.num_byzantine >= num_clients:
    raise ConfigError(
      'attack.num_byzantine',
      f'must be below clients.num_clients, which is {num_clients}; found '
      f'{attack.num_byzantine}.',
    )
  if attack.stop_round is not None and attack.stop_round < attack.start_round:
    raise ConfigError(
      'attack.stop_round',
      f'must be at least attack.start_round, which is {attack.start_round}; '
      f'found {attack.stop_round}.',
    )
  if attack.training is not None:
    attack.training.check(clients)
  if attack.indices is not None:
    _check_indices(attack, attack.indices, num_clients)


def _check_indices(
  attack: AttackConfig, indices: tuple[int, ...], num_clients: int
) -> None:
  if attack.placement != 'fixed':
    raise ConfigError(
      'attack.indices',
      f'says which clients are malicious, and so does attack.placement: '
      f'{attack.placement}. Leave one out.',
    )
  if len(indices) != attack.num_byzantine or len(set(indices)) != len(indices):
    raise ConfigError(
      'attack.indices',
      f'must name attack.num_byzantine = {attack.num_byzantine} different '
      f'clients; found {list(indices)}.',
    )
  if indices and max(indices) >= num_clients:
    raise ConfigError(
      'attack.indices',
      f'clients are numbered 0 to {num_clients - 1}; found {max(indices)}.',
    )
