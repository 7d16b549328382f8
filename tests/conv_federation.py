"""Clients with small images and a small CNN: what tests of phases share."""

import numpy as np
import tensorflow as tf
import tiny_federation as tiny

from flsec.data.dataset import Federation, Split
from flsec.experiment.client_pool import ClientPool
from flsec.federated import process
from flsec.models.flat import FlatModel
from flsec.runtime.in_process import InProcess

SIDE, CHANNELS, CLASSES = 6, 5, 3


def model(normalization=None, activation='relu'):
  """Conv of 5 3x3 filters, maybe a norm, activation, pooling, logits."""
  layers = tf.keras.layers
  x = inputs = tf.keras.Input((SIDE, SIDE, 1))
  x = layers.Conv2D(CHANNELS, 3, name='conv')(x)
  if normalization:
    x = normalization(name='norm')(x)
  x = layers.Activation(activation, name='active')(x)
  x = layers.MaxPooling2D(name='pool')(x)
  x = layers.Dense(CLASSES, name='logits')(layers.Flatten()(x))
  return FlatModel(tf.keras.Model(inputs, x), scale=1.0)


def federation(sizes, seed=0):
  """Clients with the given numbers of images; class c is bright in column c."""
  rng = np.random.default_rng(seed)
  total = sum(sizes)
  y = rng.integers(0, CLASSES, total).astype(np.int32)
  x = rng.normal(size=[total, SIDE, SIDE, 1])
  x[np.arange(total), :, 2 * y] += 2.0
  x = x.astype(np.float32)
  return Federation(
    x=x,
    y=y,
    offsets=np.cumsum([0, *sizes]),
    test=Split(x, y),
    num_classes=CLASSES,
    scale=1.0,
    shift=0.0,
  )


def structs(federated, malicious=None, batch_size=None):
  """What each client holds, in the order of their ids."""
  if malicious is None:
    malicious = np.zeros(federated.num_clients, bool)
  pool = ClientPool(
    federated, np.asarray(malicious), tiny.SEED, batch_size=batch_size
  )
  return pool.structs(np.arange(federated.num_clients))


def mean_activations(flat, weights, x):
  """Float64 [C]: conv, ReLU, sum over positions, mean over images; by loops."""
  spans = flat.layout['conv'].spans
  kernel, bias = (
    np.asarray(weights, np.float64)[s.start : s.stop].reshape(s.shape)
    for s in (spans['kernel'], spans['bias'])
  )
  side = SIDE - 2
  total = np.zeros(CHANNELS)
  for image in np.asarray(x, np.float64):
    for row in range(side):
      for column in range(side):
        patch = image[row : row + 3, column : column + 3, :, np.newaxis]
        total += np.maximum((patch * kernel).sum(axis=(0, 1, 2)) + bias, 0)
  return total / max(1, len(x))


def exchange(built, state, clients, num_threads=1):
  """Returns the state and the output of one exchange, in this process."""
  with InProcess(built, num_threads=num_threads) as runtime:
    found = runtime.next(state, clients)
  return tf.nest.map_structure(np.asarray, found)


def train(plan, clients, rounds=1, state=None):
  """Returns the state after some rounds, as NumPy arrays."""
  with InProcess(process.build_process(plan), num_threads=1) as runtime:
    state = state or runtime.initialize()
    for _ in range(rounds):
      state, _ = runtime.next(state, clients)
  return tf.nest.map_structure(np.asarray, state)
