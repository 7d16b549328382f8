"""One round of federated training, by flsec, stock tff.learning and PyTorch."""

import collections
import contextlib
import dataclasses
import functools
import os
import pathlib
import signal
from collections.abc import Iterator
from concurrent import futures
from typing import Any, Callable

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from flsec import aggregators, data, models
from flsec.aggregators import screening
from flsec.config import schema
from flsec.data.dataset import Federation, Split
from flsec.experiment.client_pool import ClientPool
from flsec.federated import process
from flsec.federated.plan import Plan
from flsec.models.flat import FlatModel
from flsec.runtime import graph_function, in_process, threads
from flsec.runtime.in_process import InProcess

LEARNING_RATE = 0.05
_SEED = 1


@dataclasses.dataclass(frozen=True)
class Work:
  """What a round trains: each client's examples, the model, local SGD.

  Attributes:
    model: registered name and options of the Keras model.
    x: uint8 [num_clients, samples, ...].
    y: int32 [num_clients, samples].
    epochs, batch_size: of local training.
    rule: the aggregation rule (flsec only; stock has the mean).
  """

  model: tuple[str, dict[str, Any]]
  x: np.ndarray
  y: np.ndarray
  epochs: int = 2
  batch_size: int = 24
  rule: str = 'mean'

  @property
  def num_clients(self) -> int:
    return len(self.y)

  @property
  def examples_trained(self) -> int:
    return self.y.size * self.epochs

  def keras_model(self) -> tf.keras.Model:
    name, options = self.model
    return models.build(
      name, input_shape=self.x.shape[2:], num_classes=10, **options
    )


def mnist(num_clients: int, samples: int) -> tuple[np.ndarray, np.ndarray, str]:
  """Returns clients' x, y of MNIST, or of its shape, and which of the two.

  Clients beyond the data set's size get the same images again.
  """
  if data.locate_all()['mnist'].is_present:
    loaded, source = data.load('mnist'), 'MNIST'
    x, y = loaded.x_train, loaded.y_train
  else:
    x, y = generated((28, 28, 1), 60_000)
    source = 'generated images of the shape of MNIST (no FLSEC_DATA_DIR)'
  rows = np.arange(num_clients * samples) % len(y)
  shape = (num_clients, samples)
  return x[rows].reshape(*shape, 28, 28, 1), y[rows].reshape(shape), source


def generated(
  shape: tuple[int, ...], count: int
) -> tuple[np.ndarray, np.ndarray]:
  """Draws uint8 images [count, ...] and int32 labels [count]."""
  rng = np.random.default_rng(0)
  x = rng.integers(0, 256, (count, *shape), np.uint8)
  return x, rng.integers(0, 10, count, np.int32)


@contextlib.contextmanager
def ours(work: Work) -> Iterator[tuple[Callable[[], Any], InProcess]]:
  """Yields `round() -> (state, metrics)` in flsec, and what runs it."""
  built, clients = _federated(work)
  with InProcess(
    built,
    num_threads=threads.usable_cores(),
    concatenates=work.rule != 'mean',
  ) as runtime:
    state = runtime.initialize()
    yield lambda: runtime.next(state, clients), runtime


@contextlib.contextmanager
def training_alone(work: Work) -> Iterator[Callable[[], Any]]:
  """Yields a call that trains flsec's clients, and does nothing else."""
  built, clients = _federated(work)
  form = in_process.map_reduce_form(built.next)
  prepare, train = map(graph_function.graph_function, (form.prepare, form.work))
  with (
    InProcess(built, num_threads=1) as runtime,
    futures.ThreadPoolExecutor(threads.usable_cores()) as pool,
  ):
    sent = prepare(*graph_function.flatten(runtime.initialize()))
    leaves = [graph_function.flatten(client) for client in clients]
    yield lambda: list(pool.map(lambda own: train(*own, *sent)[-1], leaves))


def _federated(work: Work) -> tuple[tff.templates.IterativeProcess, list]:
  """Returns flsec's process and the clients' structs."""
  plan, clients = planned(work)
  return process.build_process(plan), clients


def planned(work: Work) -> tuple[Plan, list]:
  """Returns flsec's plan of a round and the clients' structs."""
  samples = work.y.shape[1]
  offsets = np.arange(work.num_clients + 1) * samples
  nothing = Split(work.x[0, :0], work.y[0, :0])
  federation = Federation(
    x=work.x.reshape(-1, *work.x.shape[2:]),
    y=work.y.reshape(-1),
    offsets=offsets,
    test=nothing,
    num_classes=10,
    scale=1 / 255,
    shift=0.0,
  )
  model = FlatModel(work.keras_model())
  plan = Plan(
    model=model,
    clients=schema.ClientsConfig(
      num_clients=work.num_clients,
      optimizer=schema.OptimizerConfig(learning_rate=LEARNING_RATE),
      epochs=work.epochs,
      batch_size=work.batch_size,
    ),
    rule=screening.screened(aggregators.build(work.rule)),
    initial_weights=model.initial_weights(_SEED),
    seed=_SEED,
    num_participants=work.num_clients,
  )
  pool = ClientPool(federation, np.zeros(work.num_clients, bool), _SEED)
  clients = pool.structs(np.arange(work.num_clients))
  return plan, clients


@contextlib.contextmanager
def stock(work: Work) -> Iterator[Callable[[], Any]]:
  """Yields `round() -> output` of stock weighted FedAvg on TFF's worker."""

  def model_fn() -> tff.learning.models.VariableModel:
    return tff.learning.models.from_keras_model(
      work.keras_model(),
      loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
      input_spec=clients[0].element_spec,
    )

  clients = [_batches(work, x, y) for x, y in zip(work.x, work.y)]
  sgd = tff.learning.optimizers.build_sgdm
  with _stock_context():
    learning = tff.learning.algorithms.build_weighted_fed_avg(
      model_fn,
      client_optimizer_fn=sgd(LEARNING_RATE),
      server_optimizer_fn=sgd(1.0),
    )
    state = learning.initialize()
    yield lambda: learning.next(state, clients)


def _batches(work: Work, x: np.ndarray, y: np.ndarray) -> tf.data.Dataset:
  def example(x: tf.Tensor, y: tf.Tensor) -> collections.OrderedDict:
    return collections.OrderedDict(x=tf.cast(x, tf.float32) / 255.0, y=y)

  return (
    tf.data.Dataset.from_tensor_slices((x, y))
    .shuffle(len(y), seed=_SEED)
    .repeat(work.epochs)
    .batch(work.batch_size)
    .map(example)
  )


@contextlib.contextmanager
def _stock_context() -> Iterator[None]:
  """Installs TFF's own local context; its worker ends with the block."""
  # The worker would take over our thread counts; stock has TensorFlow's own.
  ours = {
    name: os.environ.pop(name)
    for name in ('TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS')
    if name in os.environ
  }
  context = tff.backends.native.create_sync_local_cpp_execution_context()
  try:
    with tff.framework.get_context_stack().install(context):
      tff.federated_computation(lambda: tff.federated_value(1, tff.SERVER))()
      os.environ.update(ours)
      yield
  finally:
    os.environ.update(ours)
    # Its destructor waits for a worker that only SIGINT ends, which a job in
    # the background ignores.
    _end_workers()
    del context


def _end_workers() -> None:
  for task in pathlib.Path('/proc/self/task').iterdir():
    children = ''
    with contextlib.suppress(FileNotFoundError):  # The thread ended just now.
      children = (task / 'children').read_text()
    for child in children.split():
      with contextlib.suppress(OSError):
        if 'worker' in pathlib.Path(f'/proc/{child}/comm').read_text():
          os.kill(int(child), signal.SIGKILL)


def sgemm_call() -> tuple[Callable[[], Any], float]:
  """Returns TensorFlow's float32 matrix product on all cores, its GFLOP.

  What NumPy's does depends on the kernel that its OpenBLAS picks.
  """
  cores, side = threads.usable_cores(), 2048
  left, right = tf.ones([side // cores, side]), tf.fill([side, side], 0.5)
  product = tf.function(tf.matmul).get_concrete_function(left, right)
  pool = futures.ThreadPoolExecutor(cores)

  def call() -> Any:
    return list(pool.map(lambda _: product(left, right), range(cores)))

  return call, 2 * len(left) * cores * side**2 / 1e9


def torch_round(work: Work) -> Callable[[], Any]:
  """Returns a round as a plain loop in PyTorch (LeNet-5 and the mean).

  Raises:
    ImportError: PyTorch is not installed; flsec does not need it.
  """
  import torch

  torch.set_num_threads(threads.usable_cores())
  nn = torch.nn
  build = functools.partial(
    nn.Sequential,
    *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
    *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
    *(nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU()),
    nn.Linear(84, 10),
  )
  model = build()
  start = {k: v.clone() for k, v in model.state_dict().items()}
  x = torch.from_numpy(np.moveaxis(work.x, -1, 2).copy())
  y = torch.from_numpy(work.y.astype(np.int64))

  def train(x, y) -> dict:
    model.load_state_dict(start)
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE)
    for _ in range(work.epochs):
      for rows in torch.randperm(len(y)).split(work.batch_size):
        optimizer.zero_grad()
        logits = model(x[rows].float() / 255)
        nn.functional.cross_entropy(logits, y[rows]).backward()
        optimizer.step()
    return {k: v.clone() for k, v in model.state_dict().items()}

  def one_round() -> dict:
    trained = [train(*shard) for shard in zip(x, y)]
    return {k: torch.stack([t[k] for t in trained]).mean(0) for k in start}

  return one_round
