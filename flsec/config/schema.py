"""What an experiment is: frozen dataclasses, one for each section of the YAML.

A field's metadata says what a checker needs to know and a type cannot say:
`kind` (of the component that is named), `minimum`, `above` and `maximum` (the
legal range). The table in docs/configuration.md is made from this file.
"""

# `_field` is `dataclasses.field` with the metadata spelt out.
# ruff: noqa: RUF009

import dataclasses
import typing
from typing import Any, ClassVar, Literal, Optional

from flsec.config.root_training import RootTrainingConfig
from flsec.data.dataset import ServerSet

_REQUIRED = dataclasses.MISSING
Knowledge = Literal['none', 'partial', 'full']
Space = Literal['gradient', 'update']


def _field(default: Any = _REQUIRED, **metadata: Any) -> Any:
  """Declares a field and what its checker needs to know."""
  if isinstance(default, type):
    return dataclasses.field(default_factory=default, metadata=metadata)
  return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Component:
  """A registered component and its options.

  In YAML a flat mapping, `{name: multi_krum, num_byzantine: 4}`, or its name
  alone.
  """

  name: str
  options: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class DatasetConfig:
  """Which examples there are, and how clients and server share them.

  Attributes:
    name: the data set; its own options stand beside the fields below.
    partition: how clients share the training examples.
    root: training examples that the server holds itself (FLTrust, FedER).
    validation: held-out examples that the server holds (ERR, LFR).
    num_train: use only so many training examples; all where left out.
    options: the data set's own options.
  """

  KIND: ClassVar[str] = 'dataset'

  name: str
  partition: Component = _field(Component('iid'), kind='partition')
  root: Optional[ServerSet] = None
  validation: Optional[ServerSet] = None
  num_train: Optional[int] = _field(None, minimum=1)
  options: dict[str, Any] = dataclasses.field(default_factory=dict)


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
  last_conv_l2: float = _field(0.0, minimum=0)
  last_conv_l2_of: Literal['all', 'honest'] = 'all'
  num_selected: Optional[int] = _field(None, minimum=1)
  selection: Literal[
    'all', 'uniform', 'fixed_malicious', 'attack_frequency'
  ] = 'all'
  num_malicious_selected: Optional[int] = _field(None, minimum=1)
  attack_frequency: Optional[float] = _field(None, above=0, maximum=1)


@dataclasses.dataclass(frozen=True)
class AttackConfig:
  """What malicious clients do, how many there are, and when.

  Attributes:
    name: the attack; its own options stand beside the fields below.
    num_byzantine: malicious clients in the federation, f.
    placement: `fixed` (the first clients, or `indices`), `sampled` from the
      seed, or `holders`, sampled from the clients that hold an example of the
      attack's source class.
    indices: which clients are malicious.
    start_round: first attacked round; round 1 is the first of all.
    stop_round: last attacked round; the last of all where left out.
    every: rounds between two attacked ones.
    knowledge: what a crafting attack sees: `none` (its own row), `partial`
      (all malicious rows) or `full` (the benign rows too); the attack's own
      default where left out.
    space: what a crafting attack's formula is taken to be on: `gradient` (what
      the server subtracts, as most papers have it) or `update` (what it adds);
      the attack's own where left out.
    compose: attacks that malicious clients run besides.
    options: the attack's own options.
  """

  KIND: ClassVar[str] = 'attack'

  name: str
  num_byzantine: int = _field(minimum=0)
  placement: Literal['fixed', 'sampled', 'holders'] = 'fixed'
  indices: Optional[tuple[int, ...]] = _field(None, minimum=0)
  start_round: int = _field(1, minimum=1)
  stop_round: Optional[int] = _field(None, minimum=1)
  every: int = _field(1, minimum=1)
  knowledge: Optional[Knowledge] = None
  space: Optional[Space] = None
  compose: tuple[Component, ...] = _field((), kind='attack')
  options: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class ServerConfig:
  """How the server aggregates.

  Attributes:
    aggregator: the rule. An option `num_byzantine` that it requires and the
      file leaves out is the number of malicious clients in a round: the
      expected one, rounded up, where `clients.selection` is `uniform`, so that
      a round may have more (`clients/malicious_above_f`); else the true one.
    preaggregators: what rewrites the stack of updates before the rule, in this
      order.
    learning_rate: factor of the aggregated update.
    on_too_few: what happens in a round in which screening (NaN, infinity, no
      example) leaves fewer clients than the rule is defined for: `error` ends
      the run, `mean` takes the mean of the others, `skip` leaves the model as
      it is.
    on_non_finite: what happens after a round that leaves a weight or a test
      loss that is not finite: `error` ends the run, `warn` goes on.
    root_training: how the server trains on its root examples.
  """

  aggregator: Component = _field(Component('mean'), kind='aggregator')
  preaggregators: tuple[Component, ...] = _field((), kind='preaggregator')
  learning_rate: float = _field(1.0, above=0)
  on_too_few: Literal['error', 'mean', 'skip'] = 'error'
  on_non_finite: Literal['error', 'warn'] = 'error'
  root_training: RootTrainingConfig = _field(RootTrainingConfig)


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
  """When the global model is tested, always on the whole test set.

  Attributes:
    every: rounds between two tests; the last round is always tested.
    batch_size: test examples in one pass through the model.
    critical_accuracy: the test accuracy that is good enough: the summary says
      in which round it was first measured, and what a client had sent by then.
    escape: whether to measure in every round how much of the attack escapes
      the rule, entry by entry where the rule works so (this sorts the stack).
  """

  every: int = _field(1, minimum=1)
  batch_size: int = _field(1000, minimum=1)
  critical_accuracy: Optional[float] = _field(None, above=0, maximum=1)
  escape: bool = False


@dataclasses.dataclass(frozen=True)
class RuntimeConfig:
  """What runs the federated computation.

  A run may be resumed under another runtime, the two precisions excepted.

  Attributes:
    context: `in_process` (threads, or XLA on an accelerator), `tff_local`
      (TFF's own worker) or `tff_remote` (TFF's workers on other machines).
    device: `auto` takes a TPU or GPU where there is one.
    xla: `auto` compiles client work on an accelerator; `always` elsewhere, too
      (slow on a CPU: a check); `never` nowhere.
    threads: clients trained at once; the usable cores where left out.
    workers: `host:port` of each remote worker.
    retries: workers that may fail in one round; the others take over.
    mixed_precision: hidden dense and conv layers compute in bfloat16; weights,
      normalisation and logits stay float32.
    tensor_float_32: let NVIDIA GPUs round the factors of float32 products to 10
      bits, as TensorFlow does by default; it is faster, and rules then agree
      with other devices to 3e-4 instead of 1e-6.
    memory_growth: take accelerator memory as it is needed.
  """

  # What changes results, and so is part of a run's identity.
  PRECISIONS: ClassVar[tuple[str, ...]] = ('mixed_precision', 'tensor_float_32')

  context: Literal['in_process', 'tff_local', 'tff_remote'] = 'in_process'
  device: Literal['auto', 'cpu', 'gpu', 'tpu'] = 'auto'
  xla: Literal['auto', 'always', 'never'] = 'auto'
  threads: Optional[int] = _field(None, minimum=1)
  workers: tuple[str, ...] = ()
  retries: int = _field(1, minimum=0)
  mixed_precision: bool = False
  tensor_float_32: bool = False
  memory_growth: bool = True


@dataclasses.dataclass(frozen=True)
class Experiment:
  """One training of one federation: one cell of a sweep.

  Attributes:
    name: names the run directory.
    rounds: rounds of federated training.
    dataset: which examples there are, and who holds them.
    model: the Keras model.
    clients: the clients and their local training.
    server: how the server aggregates.
    attack: what malicious clients do; nobody is malicious where left out.
    pruning: what the server prunes right after aggregation.
    phases: what is done, one after the other; `train` alone where left out.
    evaluation: when the global model is tested.
    runtime: what runs the computation.
    seed: the root of every random draw.
    description: a line for readers.
    plugins: Python files that register further components, relative to the
      YAML file.
  """

  name: str
  rounds: int = _field(minimum=1)
  dataset: DatasetConfig = _field()
  model: Component = _field(kind='model')
  clients: ClientsConfig = _field()
  server: ServerConfig = _field(ServerConfig)
  attack: Optional[AttackConfig] = None
  pruning: Optional[Component] = _field(None, kind='pruner')
  phases: tuple[Component, ...] = _field(
    (Component('train', {'rounds': None}),), kind='phase'
  )
  evaluation: EvaluationConfig = _field(EvaluationConfig)
  runtime: RuntimeConfig = _field(RuntimeConfig)
  seed: int = _field(1, minimum=0, maximum=2**31 - 1)
  description: str = ''
  plugins: tuple[str, ...] = ()


def types_of(section: type) -> dict[str, Any]:
  """Returns the resolved type of each field of a section."""
  hints = typing.get_type_hints(section)
  return {
    field.name: hints[field.name] for field in dataclasses.fields(section)
  }
