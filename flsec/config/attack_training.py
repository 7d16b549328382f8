"""How malicious clients train: a section of the YAML."""

# `_field` is `dataclasses.field` with the metadata spelt out.

import dataclasses
from typing import Literal, Optional

from flsec.config.clients import ClientsConfig
from flsec.config.errors import ConfigError
from flsec.config.fields import field as _field

_HERE = 'attack.training'


@dataclasses.dataclass(frozen=True)
class AttackTrainingConfig:
  """The malicious clients' own training, in the rounds that they attack.

  What is left out is as in `clients`; in other rounds they train as all do.

  Attributes:
    epochs: passes over an attacker's examples in a round.
    batches: batches of a pass, the first of its order; all where left out.
    steps: batches an attacker trains on in a round, instead of `epochs`.
    num_poisoned: examples of the attack's source class in each batch, drawn
      again where they run out, beside others of the other classes; as they come
      where left out. Of an attack on all classes its own `num_poisoned` says
      so.
    learning_rate: the step size, the same in all rounds.
    optimizer: `sgd` or `adam`, with its own options' defaults and its moments
      anew in every round.
  """

  epochs: Optional[int] = _field(None, minimum=1)
  batches: Optional[int] = _field(None, minimum=1)
  steps: Optional[int] = _field(None, minimum=1)
  num_poisoned: Optional[int] = _field(None, minimum=1)
  learning_rate: Optional[float] = _field(None, above=0)
  optimizer: Optional[Literal['sgd', 'adam']] = None

  def of(self, clients: ClientsConfig) -> ClientsConfig:
    """Returns the section `clients` as it holds for attackers."""
    optimizer = clients.optimizer
    if self.optimizer is not None:
      optimizer = dataclasses.replace(
        type(optimizer)(learning_rate=optimizer.learning_rate),
        name=self.optimizer,
      )
    if self.learning_rate is not None:
      optimizer = dataclasses.replace(
        optimizer, learning_rate=self.learning_rate, decay_rounds=()
      )
    given = {}
    if self.epochs is not None:
      given = {'epochs': self.epochs, 'steps': None}
    elif self.steps is not None:
      given = {'steps': self.steps}
    return dataclasses.replace(clients, optimizer=optimizer, **given)

  def check(self, clients: ClientsConfig) -> None:
    """Refuses what cannot be meant together.

    Raises:
      ConfigError: names the YAML path, what was found and the way out.
    """
    if self == AttackTrainingConfig():
      raise ConfigError(
        _HERE, 'says nothing. Give, say, `{epochs: 5}`, or leave it out.'
      )
    if self.epochs is not None and self.steps is not None:
      raise ConfigError(
        f'{_HERE}.steps',
        f'is {self.steps} beside epochs: {self.epochs}; both say how long '
        'attackers train. Leave one out.',
      )
    if self.batches is not None and self.of(clients).steps is not None:
      raise ConfigError(
        f'{_HERE}.batches',
        f'are those of an epoch, but attackers train '
        f'{self.of(clients).steps} steps. Give epochs, or leave it out.',
      )
    size = clients.batch_size
    if self.num_poisoned is not None and self.num_poisoned > size:
      raise ConfigError(
        f'{_HERE}.num_poisoned',
        f'must be at most clients.batch_size, which is {size}; found '
        f'{self.num_poisoned}.',
      )
    if (
      self.optimizer not in (None, clients.optimizer.name)
      and self.learning_rate is None
    ):
      raise ConfigError(
        f'{_HERE}.learning_rate',
        f"is missing; the clients' {clients.optimizer.learning_rate} belongs "
        f'to {clients.optimizer.name}, and {_HERE}.optimizer is '
        f'{self.optimizer}.',
      )
