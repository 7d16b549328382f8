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

from flsec.config.attack_training import AttackTrainingConfig
from flsec.config.clients import ClientsConfig
from flsec.config.clients import OptimizerConfig as OptimizerConfig
from flsec.config.fields import field as _field
from flsec.config.root_training import RootTrainingConfig
from flsec.config.schedule import ScheduleConfig
from flsec.config.start import StartConfig
from flsec.data.dataset import ServerSet

Knowledge = Literal['none', 'partial', 'full']
Space = Literal['gradient', 'update']


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
    training: how malicious clients train in attacked rounds; as honest ones
      where left out.
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
  training: Optional[AttackTrainingConfig] = _field(None, is_later=True)
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
    schedule: how that factor falls.
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
  schedule: ScheduleConfig = _field(ScheduleConfig)
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
      the rule, entry by entry where the rule works so (this sorts the stack);
      of centered_clipping, how it drifts from the centre.
    batch_statistics: whether batch normalisation takes mean and variance from
      each batch of test examples, as in training, and not the moving ones.
  """

  every: int = _field(1, minimum=1)
  batch_size: int = _field(1000, minimum=1)
  critical_accuracy: Optional[float] = _field(None, above=0, maximum=1)
  escape: bool = False
  batch_statistics: bool = _field(False, is_later=True)


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
    loggers: where numbers go besides the run's own files.
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
  loggers: tuple[Component, ...] = _field(
    (Component('tensorboard'),), kind='logger'
  )


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
    start_from: the weights that the run starts from; the model's own where left
      out.
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
  start_from: Optional[StartConfig] = None
  evaluation: EvaluationConfig = _field(EvaluationConfig)
  runtime: RuntimeConfig = _field(RuntimeConfig)
  seed: int = _field(1, minimum=0, maximum=2**31 - 1)
  description: str = ''
  plugins: tuple[str, ...] = ()

  @classmethod
  def of(cls, **sections: Any) -> 'Experiment':
    """Builds an experiment from plain values, as the YAML holds them.

        Experiment.of(
          name='mine', rounds=3, dataset={'name': 'digits'}, model='lenet5',
          clients={'num_clients': 10, 'optimizer': {'learning_rate': 0.1}},
          attack={'name': 'alie', 'num_byzantine': 3},
          server={'aggregator': 'krum'},
        )

    What the attack settles (a rule's `num_byzantine`) is filled in when it is
    run, so that it follows later changes.

    Args:
      **sections: by the names of the attributes.

    Raises:
      ConfigError: something in it is wrong; says where, and what is allowed.
    """
    # It makes an Experiment, and so imports this module.
    from flsec.config import loading

    return loading.checked(sections)


def types_of(section: type) -> dict[str, Any]:
  """Returns the resolved type of each field of a section."""
  hints = typing.get_type_hints(section)
  return {
    field.name: hints[field.name] for field in dataclasses.fields(section)
  }
