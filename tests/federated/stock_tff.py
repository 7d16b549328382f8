"""What the tests of the TFF adapters share: a worker, a model, its data."""

import contextlib
import os
import pathlib
import signal
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

NUM_FEATURES, NUM_HIDDEN, NUM_CLASSES = 3, 4, 2


@contextlib.contextmanager
def local_worker() -> Iterator[None]:
  """Runs computations on TFF's own local worker, which ends with the block."""
  before = _worker_ids()
  context = tff.backends.native.create_sync_local_cpp_execution_context()
  try:
    with tff.framework.get_context_stack().install(context):
      yield
  finally:
    # First: its destructor waits for a worker that only SIGINT ends, which a
    # job in the background ignores.
    _end(_worker_ids() - before)
    del context


def keras_model() -> tf.keras.Model:
  """A two-layer perceptron that always starts from the same weights."""
  initializer = lambda seed: tf.keras.initializers.GlorotUniform(seed=seed)
  inputs = tf.keras.layers.Input((NUM_FEATURES,))
  x = tf.keras.layers.Dense(
    NUM_HIDDEN,
    activation='relu',
    kernel_initializer=initializer(1),
    name='hidden',
  )(inputs)
  x = tf.keras.layers.Dense(
    NUM_CLASSES, kernel_initializer=initializer(2), name='output'
  )(x)
  return tf.keras.Model(inputs, x)


def model_fn() -> tff.learning.models.VariableModel:
  """The perceptron as `tff.learning` takes it."""
  return as_tff(keras_model())


def as_tff(model: tf.keras.Model) -> tff.learning.models.VariableModel:
  """Wraps a Keras classifier over the features that ends in logits."""
  return tff.learning.models.from_keras_model(
    model,
    loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    input_spec=(
      tf.TensorSpec([None, NUM_FEATURES], tf.float32),
      tf.TensorSpec([None], tf.int32),
    ),
  )


def client_data(num_clients: int) -> list[tf.data.Dataset]:
  """Two batches a client, from a fixed seed."""
  generator = np.random.default_rng(7)
  datasets = []
  for _ in range(num_clients):
    x = generator.uniform(size=[6, NUM_FEATURES]).astype(np.float32)
    y = generator.integers(NUM_CLASSES, size=[6]).astype(np.int32)
    datasets.append(tf.data.Dataset.from_tensor_slices((x, y)).batch(3))
  return datasets


def _worker_ids() -> set[int]:
  """Returns the ids of this process's children that are TFF workers."""
  found = set()
  for status in pathlib.Path('/proc').glob('[0-9]*/stat'):
    try:
      name, rest = status.read_text().rsplit(')', 1)
    except OSError:
      continue  # It ended meanwhile.
    if 'worker_binary' in name and int(rest.split()[1]) == os.getpid():
      found.add(int(status.parent.name))
  return found


def _end(process_ids: set[int]) -> None:
  for process_id in process_ids:
    with contextlib.suppress(ProcessLookupError):
      os.kill(process_id, signal.SIGKILL)
