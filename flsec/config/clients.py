"""The clients and their local training: a section of the YAML."""

# `_field` is `dataclasses.field` with the metadata spelt out.
# ruff: noqa: RUF009

import dataclasses
from typing import Literal, Optional

from flsec.config.fields import field as _field


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
  """The optimiser of local training.

  Attributes:
    learning_rate: the step size.
    name: `sgd` or `adam`.
    momentum: of SGD, within one local training.
    beta_1: Adam's decay of the first moment.
    beta_2: Adam's decay of the second moment.
    epsilon: Adam's constant against division by zero.
    decay_rounds: rounds at whose start the learning rate is multiplied by
      `decay_factor`.
    decay_factor: see `decay_rounds`.
    persistent: whether a client's moments live on from round to round.
  """

  learning_rate: float = _field(above=0)
  name: Literal['sgd', 'adam'] = 'sgd'
  momentum: float = _field(0.0, minimum=0, below=1)
  beta_1: float = _field(0.9, minimum=0, below=1)
  beta_2: float = _field(0.999, minimum=0, below=1)
  epsilon: float = _field(1e-7, above=0)
  decay_rounds: tuple[int, ...] = _field((), minimum=1)
  decay_factor: float = _field(0.1, above=0)
  persistent: bool = False


@dataclasses.dataclass(frozen=True)
class AugmentationConfig:
  """How images are changed at random, each time a client trains on them.

  Attributes:
    crop_padding: zeros on each side of an image, of which a window of its own
      size is then cut at random.
    flip: whether half of the images are mirrored, left to right.
  """

  crop_padding: int = _field(4, minimum=0)
  flip: bool = True


@dataclasses.dataclass(frozen=True)
class ClientsConfig:
  """The clients, their local training, and who takes part in a round.

  Attributes:
    num_clients: clients in the federation, n.
    optimizer: the optimiser of local training.
    epochs: passes over a client's examples in a round.
    steps: batches a client trains on in a round, instead of `epochs`.
    batch_size: examples in a batch; a last short batch is used.
    sampling: `epochs` visits every example before any again; `independent`
      draws each batch anew from all of a client's examples, none of them twice
      in it.
    momentum: of a client's updates, kept across rounds.
    augmentation: crops and mirror images of the examples; none where left out.
    moving_statistics: batch normalisation's moving mean and variance are
      entries of the updates (`shared`), or of none (`dropped`): they stay as
      they were in the first round, and tests have to take each batch's own
      (`evaluation.batch_statistics`).
    last_conv_l2: factor of the squared norm of the last conv layer's kernel,
      which is added to the loss (Wu et al.'s lambda).
    last_conv_l2_of: whether attackers add it too (`all`) or not (`honest`).
    num_selected: clients that take part in a round; all where left out.
    selection: `all`; `uniform` draws `num_selected` at random;
      `fixed_malicious` draws exactly `num_malicious_selected` malicious ones
      among them; `attack_frequency` does so in attacked rounds and draws only
      honest clients in the others.
    num_malicious_selected: malicious clients in such a round; all of them
      where left out.
    attack_frequency: share of rounds that are attacked: 0.25 attacks every
      fourth.
  """

  num_clients: int = _field(minimum=1)
  optimizer: OptimizerConfig = _field()
  epochs: int = _field(1, minimum=1)
  steps: Optional[int] = _field(None, minimum=1)
  batch_size: int = _field(32, minimum=1)
  sampling: Literal['epochs', 'independent'] = 'epochs'
  momentum: float = _field(0.0, minimum=0, below=1)
  augmentation: Optional[AugmentationConfig] = _field(None, is_later=True)
  moving_statistics: Literal['shared', 'dropped'] = _field(
    'shared', is_later=True
  )
  last_conv_l2: float = _field(0.0, minimum=0)
  last_conv_l2_of: Literal['all', 'honest'] = 'all'
  num_selected: Optional[int] = _field(None, minimum=1)
  selection: Literal[
    'all', 'uniform', 'fixed_malicious', 'attack_frequency'
  ] = 'all'
  num_malicious_selected: Optional[int] = _field(None, minimum=1)
  attack_frequency: Optional[float] = _field(None, above=0, maximum=1)
