"""What the rules of a benchmark work on: updates, and what a server owns."""

import dataclasses
from typing import Callable, Optional

import numpy as np
import tensorflow as tf

from flsec import models
from flsec.aggregators.rule import ServerContext
from flsec.models.flat import FlatModel
from flsec.models.layout import Layer, Layout

SEED = (7, 11)  # Of a round's rule.
SERVER_LEARNING_RATE = 0.1
_CLASSES = 10
_FEATURES = 784  # Fewer where the model is small.
_ROOT_EXAMPLES, _VALIDATION_EXAMPLES = 100, 100


@dataclasses.dataclass(frozen=True)
class Shape:
  """How many updates of which length, and how many are malicious.

  Attributes:
    clients: n.
    dimension: d.
    num_byzantine: f.
  """

  clients: int
  dimension: int
  num_byzantine: int

  @property
  def num_groups(self) -> int:
    """Groups of GAS: its default, or such that 10 coordinates are in one."""
    return min(1000, max(1, self.dimension // 10))

  @property
  def num_coordinates(self) -> int:
    """Coordinates that DnC draws: its default, or half of a small model's."""
    return min(10_000, max(1, self.dimension // 2))

  @property
  def radius(self) -> float:
    """About the length of an honest update: some are clipped, some are not."""
    return self.dimension**0.5


@dataclasses.dataclass(frozen=True)
class Server:
  """A perceptron with one hidden layer, and examples of the server's own.

  Attributes:
    sizes: features, hidden units, classes.
    weights: float32 [d], the global weights.
    root: x float32 [s, features] and y int32 [s], to train on.
    validation: the same, to evaluate on.
    layout: of the weights.
    context: all of it, as rules are given it.
  """

  sizes: tuple[int, int, int]
  weights: np.ndarray
  root: tuple[np.ndarray, np.ndarray]
  validation: tuple[np.ndarray, np.ndarray]
  layout: Layout
  context: ServerContext


@dataclasses.dataclass(frozen=True)
class Given:
  """What a reference is given beside the updates.

  Attributes:
    shape: of the updates.
    draw: `count -> random order of 0 to count - 1`.
    server: None for rules that look at the updates alone.
  """

  shape: Shape
  draw: Callable[[int], np.ndarray]
  server: Optional[Server] = None

  @property
  def f(self) -> int:
    return self.shape.num_byzantine


def random_draw(seed: int = 0) -> Callable[[int], np.ndarray]:
  """Returns a `Given.draw` from a NumPy generator of its own."""
  return np.random.default_rng(seed).permutation


def stack(shape: Shape, scale: float = 1.0) -> np.ndarray:
  """Draws float32 [n, d] rows from N(0, scale^2); the first f lie apart."""
  rows = np.empty((shape.clients, shape.dimension), np.float32)
  rng = np.random.default_rng(0)
  for row in rows:
    rng.standard_normal(dtype=np.float32, out=row)
  rows[: shape.num_byzantine] += 0.5
  if scale != 1.0:
    rows *= np.float32(scale)
  return rows


def build_server(dimension: int) -> Server:
  """Builds a server whose model has about `dimension` weights."""
  features = min(_FEATURES, max(int(dimension**0.5), 2))
  hidden = max(1, round((dimension - _CLASSES) / (features + 1 + _CLASSES)))
  flat = FlatModel(
    models.build(
      'mlp', input_shape=(features,), num_classes=_CLASSES, hidden=(hidden,)
    ),
    scale=1.0,
  )
  weights = flat.initial_weights(seed=0)
  rng = np.random.default_rng(1)
  root, validation = (
    (
      rng.standard_normal((count, features), np.float32),
      rng.integers(_CLASSES, size=count).astype(np.int32),
    )
    for count in (_ROOT_EXAMPLES, _VALIDATION_EXAMPLES)
  )

  def train(weights, x, y, seed):
    gradient = flat.loss_and_gradient(weights, flat.inputs(x), y, seed=seed)[1]
    return -SERVER_LEARNING_RATE * gradient

  context = ServerContext(
    weights=tf.constant(weights),
    round_number=tf.constant(1),
    seed=tf.constant(SEED),
    model=flat,
    layout=flat.layout,
    root=root,
    validation=validation,
    train=train,
  )
  sizes = features, hidden, _CLASSES
  return Server(sizes, weights, root, validation, flat.layout, context)


def with_statistics(server: Server) -> Server:
  """Returns the server with the hidden biases declared to be moving means.

  `mean_statistics` reads nothing else of a layout, and the perceptron has no
  batch normalisation.
  """
  hidden, output = server.layout.layers
  norm = Layer('norm', 'norm', {'moving_mean': hidden.bias}, hidden.units)
  hidden = dataclasses.replace(hidden, spans={'kernel': hidden.kernel})
  layout = dataclasses.replace(server.layout, layers=(hidden, norm, output))
  context = dataclasses.replace(server.context, layout=layout)
  return dataclasses.replace(server, layout=layout, context=context)
