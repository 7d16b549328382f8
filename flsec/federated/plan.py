"""Everything that one federated round is made of."""

import dataclasses
from collections.abc import Mapping
from typing import Optional

import numpy as np
import tensorflow as tf

from flsec.aggregators.rule import Rule
from flsec.attacks import attack as attack_lib
from flsec.config import schema
from flsec.data.dataset import Split
from flsec.federated.attack_training import AttackTraining
from flsec.federated.root_training import RootTraining
from flsec.federated.round_measures import Escape
from flsec.models.flat import FlatModel
from flsec.pruning.pruner import Pruner


@dataclasses.dataclass(frozen=True)
class AttackPlan:
  """An attack, and when and by whom it is run.

  Attributes:
    attack: the hooks.
    malicious: bool [num_clients], the clients that the attacker controls.
    knowledge: what `craft` is given: 'none', 'partial' or 'full'.
    start_round, stop_round: first and last attacked round; None: no last.
    every: rounds between two attacked ones.
    state: what `attack.initialize` made; a nest of tensors or arrays.
    num_participants: malicious clients in a round, as the attacker expects it.
    space: what `craft` works on, 'gradient' or 'update'; None: the attack's
      own.
    training: how malicious clients train; None: as honest ones.
  """

  attack: attack_lib.Attack
  malicious: np.ndarray
  knowledge: str
  start_round: int = 1
  stop_round: Optional[int] = None
  every: int = 1
  state: attack_lib.State = ()
  num_participants: int = 0
  space: Optional[str] = None
  training: Optional[AttackTraining] = None

  @property
  def crafts_on_gradients(self) -> bool:
    """Whether `craft` works on what the server subtracts, not on updates."""
    return (self.space or self.attack.space) == 'gradient'

  def is_active(self, round_number: tf.Tensor) -> tf.Tensor:
    """Tells whether a round is attacked (bool scalar)."""
    since = round_number - self.start_round
    active = tf.logical_and(since >= 0, tf.equal(since % self.every, 0))
    if self.stop_round is not None:
      active = tf.logical_and(active, round_number <= self.stop_round)
    return active

  @property
  def is_always_active(self) -> bool:
    """Whether there is no round without the attack."""
    return self.start_round <= 1 and self.every == 1 and self.stop_round is None

  def is_attacker(self, rank: tf.Tensor, round_number: tf.Tensor) -> tf.Tensor:
    """Tells whether a client of a rank attacks in a round (bool scalar)."""
    return tf.logical_and(rank >= 0, self.is_active(round_number))

  @property
  def changes_training(self) -> bool:
    """Whether malicious clients train differently from honest ones."""
    hooks = self.attack
    return self.training is not None or any(
      (hooks.poison, hooks.gradient, hooks.project, hooks.update, hooks.train)
    )


@dataclasses.dataclass(frozen=True)
class Plan:
  """What `process.build_process` turns into one federated computation.

  Attributes:
    model: the flat model.
    clients: local training and participation.
    rule: the aggregation rule, pre-aggregators and screening included.
    initial_weights: float32 [d].
    seed: the root of every random draw.
    example_dtype: of stored examples ('uint8', 'int32' or 'float32').
    stored_range: what the numbers of stored examples run from and to; None: 0
      to 255 where they are bytes, 0 to 1 elsewhere.
    server_learning_rate: factor of the aggregated update.
    server_schedule: how that factor falls.
    attack: what malicious clients do, or None.
    pruner: what the server prunes after aggregation, or None.
    root, validation: the server's own examples, or None.
    root_training: how the server trains on its root examples; None: not.
    num_participants: clients in every round, where that number is fixed.
    padded: shards are padded and masked (for XLA).
    escape: what is measured of an attack that escapes the rule, or None.
    drift_radius: of centered clipping, where the drift of an attack from its
      centre is measured; None: it is not.
    keeps_removed: whether a phase may remove weights for good, which no client
      and no round then brings back.
    removed: bool [d], what is removed from the initial weights; None: nothing.
    static_rows: every shape of the server's step is known when it is traced, so
      that XLA compiles it whole. All clients take part; rows that do not count
      are counted (`num_dropped`) and not left out, so that a round that has one
      is not to be used; and no stage is timed.
    client_state: momenta, slots or counts (see `state.initial_state`) that the
      clients begin with, by name; zeros where left out.
  """

  model: FlatModel
  clients: schema.ClientsConfig
  rule: Rule
  initial_weights: np.ndarray
  seed: int
  example_dtype: str = 'uint8'
  stored_range: Optional[tuple[float, float]] = None
  server_learning_rate: float = 1.0
  server_schedule: schema.ScheduleConfig = dataclasses.field(
    default_factory=schema.ScheduleConfig
  )
  attack: Optional[AttackPlan] = None
  pruner: Optional[Pruner] = None
  root: Optional[Split] = None
  validation: Optional[Split] = None
  root_training: Optional[RootTraining] = None
  num_participants: Optional[int] = None
  padded: bool = False
  escape: Optional[Escape] = None
  drift_radius: Optional[float] = None
  keeps_removed: bool = False
  removed: Optional[np.ndarray] = None
  static_rows: bool = False
  client_state: Mapping[str, np.ndarray] = dataclasses.field(
    default_factory=dict
  )

  @property
  def dimension(self) -> int:
    """d, the length of the weight vector."""
    return self.model.num_weights

  @property
  def streams(self) -> bool:
    """Whether the round needs no stack of updates: its result is a mean."""
    crafts = self.attack is not None and self.attack.attack.craft is not None
    return (
      self.rule.is_weighted_mean
      and not crafts
      and not self.clients.momentum
      and not self.keeps_slots
    )

  @property
  def keeps_slots(self) -> bool:
    """Whether clients' optimiser slots live on from round to round."""
    return self.clients.optimizer.persistent

  @property
  def input_range(self) -> tuple[float, float]:
    """The legitimate range of the model's inputs."""
    default = (0.0, 255.0) if self.example_dtype == 'uint8' else (0.0, 1.0)
    stored = self.stored_range or default
    ends = [v * self.model.scale + self.model.shift for v in stored]
    return min(ends), max(ends)
