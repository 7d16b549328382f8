"""What a data set is, before clients share it."""

import dataclasses
from typing import Optional

import numpy as np


@dataclasses.dataclass(frozen=True)
class Dataset:
  """A data set in memory, as stored (images stay uint8).

  Attributes:
    name: the registered name.
    x_train, x_test: [M, ...] uint8 images or features, or float32 features.
    y_train, y_test: int32 [M].
    num_classes: labels run from 0 to num_classes - 1.
    scale: the model's input is `float32(x) * scale + shift`: 1/255 for images.
    shift: see scale (FEMNIST is stored black on white: scale -1/255, shift 1).
    writers: int32 [M], the natural owner of each training example, or None.
  """

  name: str
  x_train: np.ndarray
  y_train: np.ndarray
  x_test: np.ndarray
  y_test: np.ndarray
  num_classes: int
  scale: float = 1.0 / 255.0
  shift: float = 0.0
  writers: Optional[np.ndarray] = None

  @property
  def input_shape(self) -> tuple[int, ...]:
    """The shape of one example, batch dimension left out."""
    return self.x_train.shape[1:]

  @property
  def is_image(self) -> bool:
    return len(self.input_shape) == 3


@dataclasses.dataclass(frozen=True)
class Split:
  """Some examples, as stored: x [s, ...], y int32 [s]."""

  x: np.ndarray
  y: np.ndarray

  def __len__(self) -> int:
    return len(self.y)


@dataclasses.dataclass(frozen=True)
class ServerSet:
  """Which examples the server holds itself.

  Attributes:
    size: how many.
    source: 'train', taken from the training examples before clients share
      them, or 'test', taken from the test set, which then reports the rest.
    balanced: whether every class has the same share.
  """

  size: int
  source: str = 'train'
  balanced: bool = True


@dataclasses.dataclass(frozen=True)
class Federation:
  """Examples as the clients and the server hold them.

  Client i owns rows [offsets[i], offsets[i + 1]) of `x` and `y`: one pool for
  all clients, so that no example is held twice.

  Attributes:
    x, y: all clients' examples, sorted by client.
    offsets: int64 [num_clients + 1].
    test: the held-out test set.
    root, validation: the server's own examples, or None; disjoint from each
      other, from the clients' and from what `test` reports.
    num_classes, scale, shift: as in Dataset.
    attack_y: int32, the labels that an attack gave the examples of `x` for the
      whole run, or None; malicious clients hold them beside `y`.
  """

  x: np.ndarray
  y: np.ndarray
  offsets: np.ndarray
  test: Split
  num_classes: int
  scale: float
  shift: float
  root: Optional[Split] = None
  validation: Optional[Split] = None
  attack_y: Optional[np.ndarray] = None

  @property
  def num_clients(self) -> int:
    return len(self.offsets) - 1

  def client(self, index: int) -> Split:
    """Returns a view of one client's examples."""
    rows = slice(self.offsets[index], self.offsets[index + 1])
    return Split(self.x[rows], self.y[rows])
