"""Puts an experiment together: configuration in, plan and data out."""

import dataclasses
from typing import Any, Optional

import numpy as np
import tensorflow as tf

from flsec import attacks, data, pruning, registry, seeds
from flsec.aggregators import screening
from flsec.aggregators.rule import Rule
from flsec.attacks.attack import Attack
from flsec.config import estimate, schema
from flsec.data import federation as federation_lib
from flsec.data import opened_files, provenance, selection
from flsec.data.dataset import Federation
from flsec.defenses.phase import Phase
from flsec.experiment import model_building, phase_assembly, starting
from flsec.federated import round_measures, xla
from flsec.federated.attack_training import AttackTraining
from flsec.federated.plan import AttackPlan, Plan
from flsec.federated.root_training import RootTraining
from flsec.models.flat import FlatModel
from flsec.pruning.pruner import Pruner


@dataclasses.dataclass(frozen=True)
class Assembly:
  """An experiment, ready to run.

  Attributes:
    plan: what the federated computation is built from.
    federation: who holds which examples.
    malicious: bool [num_clients].
    phases: what is done, in this order.
    inputs: the files that were read and what came of them; None: not noted.
  """

  plan: Plan
  federation: Federation
  malicious: np.ndarray
  phases: tuple[Phase, ...] = ()
  inputs: Optional[provenance.Inputs] = None


def assemble(
  experiment: schema.Experiment, data_dir: str, *, uses_xla: bool = False
) -> Assembly:
  """Reads the data and builds every component.

  Args:
    experiment: a validated configuration.
    data_dir: folder of the data sets.
    uses_xla: pad shards, let XLA compile the rule and the pruner, and leave
      convolutions to its kernels.

  Raises:
    ValueError: a data file is missing or broken, or a component does not fit
      the data.
  """
  with opened_files.recording() as files:
    assembled = _assembled(experiment, data_dir, uses_xla)
  inputs = provenance.Inputs(files, assembled.federation)
  return dataclasses.replace(assembled, inputs=inputs)


def _assembled(
  experiment: schema.Experiment, data_dir: str, uses_xla: bool
) -> Assembly:
  federation = _federation(experiment, data_dir)
  model = model_building.build_model(experiment, federation, uses_xla=uses_xla)
  phases = phase_assembly.build_phases(experiment)
  start = starting.Start(model.initial_weights(experiment.seed))
  if experiment.start_from:
    start = starting.load(experiment.start_from, model)
  phase_assembly.check_phases(phases, model.layout, start.removed)
  facts = _facts(experiment, federation)
  malicious = _malicious(experiment, federation, facts)
  attack = _attack_plan(experiment, federation, model, start.weights, malicious)
  if attack is not None and attack.attack.relabel:
    federation = _relabelled(federation, attack.attack, experiment.seed)
  plan = Plan(
    model=model,
    clients=experiment.clients,
    rule=build_rule(experiment.server, facts, uses_xla=uses_xla),
    initial_weights=start.weights,
    seed=experiment.seed,
    example_dtype=str(federation.x.dtype),
    stored_range=federation.stored_range,
    server_learning_rate=experiment.server.learning_rate,
    server_schedule=experiment.server.schedule,
    attack=attack,
    pruner=_pruner(experiment, uses_xla),
    root=federation.root,
    validation=federation.validation,
    root_training=RootTraining.of(
      experiment.server.root_training, experiment.clients.optimizer
    ),
    num_participants=estimate.clients_of_a_round(experiment),
    padded=uses_xla,
    **_measures(experiment, facts),
    keeps_removed=start.has_removed or any(one.removes for one in phases),
    removed=start.removed,
    client_state=start.client_state,
  )
  return Assembly(plan, federation, malicious, phases)


def build_rule(
  server: schema.ServerConfig,
  facts: dict[str, Any],
  *,
  uses_xla: bool = False,
) -> Rule:
  """Builds the aggregation rule, pre-aggregators and screening included.

  Under XLA the rule itself is compiled; screening, which may change the number
  of rows, stays outside. A round with too few clients leaves the model as it is
  where the policy is `error`: the loop, which knows round and clients, stops.
  """
  rule = _build('aggregator', server.aggregator, facts)
  if server.preaggregators:
    from flsec.aggregators import preaggregator

    stages = [
      _build('preaggregator', one, facts) for one in server.preaggregators
    ]
    rule = preaggregator.compose(stages, rule)
  if uses_xla:
    rule = xla.compiled_rule(rule)
  policy = 'skip' if server.on_too_few == 'error' else server.on_too_few
  return screening.screened(rule, policy)


def build_attack(config: schema.AttackConfig, facts: dict[str, Any]) -> Attack:
  """Builds the attack, joined with those of `compose`."""
  first = schema.Component(config.name, config.options)
  built = [_build('attack', one, facts) for one in (first, *config.compose)]
  return (
    built[0] if len(built) == 1 else attacks.build('compose', attacks=built)
  )


def select_clients(
  experiment: schema.Experiment, malicious: np.ndarray, round_number: int
) -> np.ndarray:
  """Returns the ids of the clients of a round, in ascending order."""
  clients = experiment.clients
  return selection.select(
    clients.selection,
    round_number,
    clients.num_clients,
    malicious,
    experiment.seed,
    num_selected=clients.num_selected,
    num_malicious_selected=clients.num_malicious_selected,
    attack_frequency=clients.attack_frequency,
  )


def _build(
  kind: str, component: schema.Component, facts: dict[str, Any]
) -> Any:
  """Builds a component, told what it asks about the data set."""
  return registry.build_supplied(kind, component.name, component.options, facts)


def _facts(
  experiment: schema.Experiment, federation: Federation
) -> dict[str, Any]:
  return {
    'num_classes': federation.num_classes,
    'num_clients': experiment.clients.num_clients,
    'input_shape': tuple(federation.x.shape[1:]),
  }


def _federation(experiment: schema.Experiment, data_dir: str) -> Federation:
  config = experiment.dataset
  dataset = data.load(config.name, data_dir, **config.options)
  return federation_lib.build_federation(
    dataset,
    partition=config.partition.name,
    partition_options=config.partition.options,
    num_clients=experiment.clients.num_clients,
    seed=experiment.seed,
    root=config.root,
    validation=config.validation,
    num_train=config.num_train,
  )


def _malicious(
  experiment: schema.Experiment, federation: Federation, facts: dict[str, Any]
) -> np.ndarray:
  num_clients, attack = experiment.clients.num_clients, experiment.attack
  if attack is None:
    return np.zeros(num_clients, bool)
  indices = attack.indices
  if indices is None and attack.placement == 'fixed':
    indices = range(attack.num_byzantine)
  among = None
  if attack.placement == 'holders':
    labels = build_attack(attack, facts).source_labels
    among = selection.holders(federation.y, federation.offsets, labels)
    if len(among) < attack.num_byzantine:
      raise ValueError(
        f'attack.placement: holders of class {" or ".join(map(str, labels))} '
        f'are {len(among)} of {num_clients} clients, {among.tolist()}; got '
        f'attack.num_byzantine={attack.num_byzantine}. Lower it, or change the '
        'partition.'
      )
  return selection.place_malicious(
    num_clients, attack.num_byzantine, experiment.seed, indices, among=among
  )


def _measures(
  experiment: schema.Experiment, facts: dict[str, Any]
) -> dict[str, Any]:
  server = experiment.server
  if not experiment.evaluation.escape:
    return {}
  rule = _build('aggregator', server.aggregator, facts)
  radius = round_measures.drift_radius(server)
  return {
    'escape': round_measures.build_escape(server, rule),
    'drift_radius': radius,
  }


def _pruner(experiment: schema.Experiment, uses_xla: bool) -> Optional[Pruner]:
  if experiment.pruning is None:
    return None
  pruner = pruning.build(experiment.pruning.name, **experiment.pruning.options)
  if uses_xla:
    pruner = dataclasses.replace(pruner, prune=xla.compiled(pruner.prune))
  return pruner


def _attack_plan(
  experiment: schema.Experiment,
  federation: Federation,
  model: FlatModel,
  weights: np.ndarray,
  malicious: np.ndarray,
) -> Optional[AttackPlan]:
  config = experiment.attack
  if config is None or not malicious.any():
    return None
  attack = build_attack(config, _facts(experiment, federation))
  training = config.training and AttackTraining.of(
    config.training, experiment.clients, attack.source_labels
  )
  return AttackPlan(
    attack=attack,
    malicious=malicious,
    knowledge=config.knowledge or attack.default_knowledge,
    start_round=config.start_round,
    stop_round=config.stop_round,
    every=config.every,
    num_participants=estimate.num_byzantine_of_a_round(experiment),
    space=config.space,
    training=training,
    state=_attack_state(
      experiment, attack, federation, model, weights, malicious
    ),
  )


def _relabelled(
  federation: Federation, attack: Attack, seed: int
) -> Federation:
  """Lets the attack give the clients' examples labels for the whole run."""
  stream = seeds.stream(seed, 'attack labels').astype(np.int32)
  labels = attack.relabel(tf.constant(federation.y), tf.constant(stream))
  return dataclasses.replace(federation, attack_y=np.asarray(labels))


def _attack_state(
  experiment, attack, federation, model, weights, malicious
) -> Any:
  """Lets the attack prepare on the malicious clients' own examples."""
  if attack.initialize is None:
    return ()
  shards = [federation.client(i) for i in np.flatnonzero(malicious)]
  seed = seeds.stream(experiment.seed, 'attack state').astype(np.int32)
  state = attack.initialize(
    model,
    model.layout,
    tf.constant(weights),
    model.inputs(np.concatenate([shard.x for shard in shards])),
    tf.constant(np.concatenate([shard.y for shard in shards])),
    tf.constant(seed),
  )
  # Arrays: a traced computation may hold them, but no eager tensor.
  return tf.nest.map_structure(np.asarray, state)
