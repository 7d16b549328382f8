"""Local training of malicious clients, where it is not that of all."""

import dataclasses
from typing import Optional

import tensorflow as tf

from flsec.config import schema
from flsec.config.attack_training import AttackTrainingConfig
from flsec.federated import local_training
from flsec.federated.batches import Batches, MixedBatches
from flsec.federated.local_training import LocalTraining, Trained
from flsec.models.flat import FlatModel


@dataclasses.dataclass(frozen=True)
class AttackTraining:
  """What an attacker's local training is made by.

  Attributes:
    clients: how long it trains and with which optimiser.
    num_batches: of an epoch; None: all.
    num_poisoned: examples of `labels` in each batch; None: as they come.
    labels: the classes that the attack poisons.
    keeps_slots: whether the optimiser's moments are those that the client keeps
      for its honest training; otherwise they begin at 0 in every round.
  """

  clients: schema.ClientsConfig
  num_batches: Optional[int] = None
  num_poisoned: Optional[int] = None
  labels: tuple[int, ...] = ()
  keeps_slots: bool = True

  @classmethod
  def of(
    cls,
    config: AttackTrainingConfig,
    clients: schema.ClientsConfig,
    labels: tuple[int, ...],
  ) -> 'AttackTraining':
    """Takes from the section `clients` what the configuration leaves out.

    Args:
      config: the section `attack.training`.
      clients: of the experiment.
      labels: the only classes whose examples the attack changes; empty where it
        may change any.

    Raises:
      ValueError: there is no class to draw the poisoned examples from.
    """
    if config.num_poisoned is not None and not labels:
      raise ValueError(
        f"means examples of the attack's source class in a batch, but the "
        f'attack changes examples of any class; got {config.num_poisoned}. '
        'Give the attack a source_label, or its own num_poisoned where it has '
        'that option, and leave this one out.'
      )
    return cls(
      config.of(clients),
      config.batches,
      config.num_poisoned,
      labels,
      keeps_slots=config.optimizer is None,
    )


def build_attack_training(
  model: FlatModel, training: AttackTraining, *, padded: bool
) -> LocalTraining:
  """Builds what `local_training.build_local_training` does, for attackers."""
  size = training.clients.batch_size
  batches = Batches(size, padded, training.num_batches)
  if training.num_poisoned is not None:
    batches = MixedBatches(
      size,
      padded,
      training.num_batches,
      training.labels,
      training.num_poisoned,
    )
  train = local_training.build_local_training(
    model, training.clients, padded=padded, batches=batches
  )
  if training.keeps_slots:
    return train
  rows = local_training.num_slots(training.clients)

  def train_anew(weights, shard, seed, round_number, slots, count, *rest):
    own = tf.zeros([rows, model.num_weights])
    trained = train(
      weights, shard, seed, round_number, own, tf.constant(0), *rest
    )
    return Trained(trained.update, slots, count, trained.loss)

  return train_anew
