"""What a data set is, before clients share it."""

import dataclasses
import math
from typing import Optional

import numpy as np

from flsec.data import example_arrays
from flsec.data.errors import DatasetError


@dataclasses.dataclass(frozen=True)
class Dataset:
  """A data set in memory, as stored (images stay uint8).

  Arrays of other types are taken where they can mean one thing only: floats
  become float32, whole numbers int32, labels may be floats (3.0), a column
  [M, 1] or one-hot rows [M, num_classes].

  Attributes:
    name: the registered name.
    x_train, x_test: [M, ...] uint8 images or features, or float32 or int32
      features.
    y_train, y_test: int32 [M].
    num_classes: labels run from 0 to num_classes - 1.
    scale: the model's input is `float32(x) * scale + shift`. Where left out,
      1/255 for uint8 and 1 for everything else.
    shift: see scale (FEMNIST is stored black on white: scale -1/255, shift 1).
    writers: int32 [M], the natural owner of each training example, or None.

  Raises:
    DatasetError: arrays that nothing can be trained on (text, NaN, labels out
      of range, sets that are empty or do not fit each other, ...).
  """

  name: str
  x_train: np.ndarray
  y_train: np.ndarray
  x_test: np.ndarray
  y_test: np.ndarray
  num_classes: int
  scale: Optional[float] = None
  shift: float = 0.0
  writers: Optional[np.ndarray] = None

  def __post_init__(self) -> None:
    self._check_numbers()
    given = []
    for part in ('train', 'test'):
      word = 'training' if part == 'train' else part
      x = example_arrays.examples(self.name, word, getattr(self, f'x_{part}'))
      y = example_arrays.labels(
        self.name, word, getattr(self, f'y_{part}'), self.num_classes
      )
      if len(x) != len(y):
        raise DatasetError(
          self.name,
          f'the {word} set has {len(x)} examples and {len(y)} labels',
          'Every example needs one label',
        )
      given.append(np.asarray(getattr(self, f'x_{part}')).dtype)
      object.__setattr__(self, f'x_{part}', x)
      object.__setattr__(self, f'y_{part}', y)
    self._check_alike(given)
    if self.scale is None:
      is_image = given[0] == np.uint8
      object.__setattr__(self, 'scale', 1.0 / 255.0 if is_image else 1.0)
    if self.writers is not None:
      writers = example_arrays.owners(
        self.name, self.writers, len(self.y_train)
      )
      object.__setattr__(self, 'writers', writers)

  def _check_numbers(self) -> None:
    for field, value in (('scale', self.scale), ('shift', self.shift)):
      is_number = isinstance(value, (int, float, np.number))
      if value is not None and not (is_number and math.isfinite(value)):
        raise DatasetError(
          self.name, f'{field} is {value!r}', 'Give a finite number'
        )
    whole = isinstance(self.num_classes, (int, np.integer))
    if not whole or isinstance(self.num_classes, bool) or self.num_classes < 2:
      raise DatasetError(
        self.name,
        f'num_classes is {self.num_classes!r}',
        'Give a whole number of at least 2',
      )
    object.__setattr__(self, 'num_classes', int(self.num_classes))

  def _check_alike(self, given: list[np.dtype]) -> None:
    """Refuses training and test sets that one model cannot read."""
    shapes = self.x_train.shape[1:], self.x_test.shape[1:]
    if shapes[0] != shapes[1]:
      raise DatasetError(
        self.name,
        f'training examples have shape {shapes[0]}, test examples {shapes[1]}',
        'Both have to be of one shape',
      )
    if self.x_train.dtype != self.x_test.dtype:
      raise DatasetError(
        self.name,
        f'training examples are {given[0]}, test examples {given[1]}, but one '
        'scale holds for both',
        'Store both as one type',
      )

  @property
  def input_shape(self) -> tuple[int, ...]:
    """The shape of one example, batch dimension left out."""
    return self.x_train.shape[1:]

  @property
  def is_image(self) -> bool:
    """Whether an example has height, width and channels."""
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
  def stored_range(self) -> tuple[float, float]:
    """The least and the greatest number that an example may hold.

    Bytes that are scaled as those of images may hold any; of other features
    the training examples tell.
    """
    if self.x.dtype == np.uint8 and math.isclose(abs(self.scale), 1 / 255):
      return 0.0, 255.0
    return float(self.x.min()), float(self.x.max())

  @property
  def num_clients(self) -> int:
    """How many clients there are."""
    return len(self.offsets) - 1

  def client(self, index: int) -> Split:
    """Returns a view of one client's examples."""
    rows = slice(self.offsets[index], self.offsets[index + 1])
    return Split(self.x[rows], self.y[rows])
