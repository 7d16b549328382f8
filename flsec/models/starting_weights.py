"""Where training starts: weights that were set, or draws from a run's seed."""

import contextlib
import dataclasses
import random
import warnings
from collections.abc import Iterator
from typing import Any, Optional

import numpy as np
import tensorflow as tf
from keras.src import backend
from tensorflow.python.eager import context

from flsec import seeds


@dataclasses.dataclass(frozen=True)
class Start:
  """What one weight of a Keras model starts from.

  Attributes:
    value: float32 array, or None for a draw.
    initializer: the class and the configuration of the initialiser that draws.
    shape: of the weight.
  """

  value: Optional[np.ndarray]
  initializer: Optional[tuple[type, dict[str, Any]]]
  shape: tuple[int, ...]

  def draw(self, seed: int, index: int, attribute: str) -> np.ndarray:
    """Returns the weight, float32 of `shape`.

    Args:
      seed: root seed of the run.
      index: the layer's place among those with weights; names that Keras makes
        up count on through a process.
      attribute: the weight's name in the layer.
    """
    if self.value is not None:
      return self.value
    kind, config = self.initializer
    words = seeds.stream(seed, 'initial weights', index, attribute)
    # Keras takes 31 bits.
    seeded = kind.from_config({**config, 'seed': int(words[0]) & 0x7FFFFFFF})
    return seeded(self.shape, dtype=tf.float32).numpy()


def start_of(
  layer: tf.keras.layers.Layer, attribute: str, *, is_frozen: bool = False
) -> Start:
  """Tells whether a weight was set, by asking its initialiser once more.

  An initialiser of Keras without a seed repeats its draw when it is called
  again, so that a weight that differs from that was set or loaded, and starts
  where it is. So does one whose initialiser is not known, has a seed of its
  own, or draws anew at each call.

  Args:
    layer: a built layer, as its builder left it.
    attribute: name of the weight.
    is_frozen: nothing moves it; it keeps the value that it has.
  """
  value = getattr(layer, attribute).numpy()
  initializer = getattr(layer, f'{attribute}_initializer', None)
  given = Start(value, None, value.shape)
  if is_frozen or not hasattr(initializer, 'get_config'):
    return given
  config = initializer.get_config()
  if 'seed' not in config or config['seed'] is not None:
    return given
  if not np.array_equal(_again(initializer, value), value):
    return given
  return Start(None, (type(initializer), config), value.shape)


def _again(initializer: Any, like: np.ndarray) -> np.ndarray:
  with warnings.catch_warnings():
    # Keras warns of what is made use of here.
    warnings.filterwarnings('ignore', message='The initializer .* is unseeded')
    return np.asarray(initializer(like.shape, dtype=like.dtype))


@contextlib.contextmanager
def drawing_from(seed: int) -> Iterator[None]:
  """Lets the code of a model's builder draw from a run's seed.

  A builder may set weights to numbers of its own draw, and frozen layers keep
  those that Keras drew for them. The global generators of Python, NumPy,
  TensorFlow and Keras start from `seed` here, and go on afterwards where they
  were.
  """
  state = random.getstate(), np.random.get_state(), context.global_seed()
  keras_seeds = vars(backend._SEED_GENERATOR)
  keras_state = dict(keras_seeds)
  word = seeds.stream(seed, 'model builder')[0]
  tf.keras.utils.set_random_seed(int(word) & 0x7FFFFFFF)
  try:
    yield
  finally:
    random.setstate(state[0])
    np.random.set_state(state[1])
    tf.random.set_seed(state[2])
    keras_seeds.clear()
    keras_seeds.update(keras_state)
