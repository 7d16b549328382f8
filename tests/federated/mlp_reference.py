"""Local training of the tiny perceptron as a plain loop, in NumPy float64."""

import dataclasses

import numpy as np
import tensorflow as tf
import tiny_federation as tiny

from flsec.attacks.attack import AttackContext
from flsec.federated import local_training
from flsec.federated.batches import Shard
from flsec.federated.local_training import Hooks


@dataclasses.dataclass
class Optimizer:
  """SGD with momentum or Adam, as Algorithm 1 of its paper has it."""

  config: object
  dimension: int
  count: int = 0

  def __post_init__(self):
    self.first = np.zeros(self.dimension)
    self.second = np.zeros(self.dimension)

  def step(self, weights, gradient, rate):
    config = self.config
    self.count += 1
    if config.name == 'sgd':
      self.first = config.momentum * self.first + gradient
      return weights - rate * self.first
    b1, b2 = config.beta_1, config.beta_2
    self.first = b1 * self.first + (1 - b1) * gradient
    self.second = b2 * self.second + (1 - b2) * gradient**2
    # Keras adds epsilon before the bias correction.
    rate *= np.sqrt(1 - b2**self.count) / (1 - b1**self.count)
    return weights - rate * self.first / (np.sqrt(self.second) + config.epsilon)


def loss_and_gradient(weights, x, y):
  """Returns the mean cross-entropy and its gradient [d], by hand."""
  sizes = np.cumsum(
    [
      tiny.FEATURES * tiny.HIDDEN,
      tiny.HIDDEN,
      tiny.HIDDEN * tiny.CLASSES,
    ]
  )
  k1, b1, k2, b2 = np.split(np.asarray(weights, np.float64), sizes)
  k1, k2 = k1.reshape(-1, tiny.HIDDEN), k2.reshape(-1, tiny.CLASSES)
  hidden = np.tanh(x @ k1 + b1)
  logits = hidden @ k2 + b2
  logits -= logits.max(axis=1, keepdims=True)
  p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
  rows = np.arange(len(y))
  loss = -np.log(p[rows, y]).mean()
  p[rows, y] -= 1
  p /= len(y)
  d_hidden = (p @ k2.T) * (1 - hidden**2)
  parts = x.T @ d_hidden, d_hidden.sum(0), hidden.T @ p, p.sum(0)
  return loss, np.concatenate([part.ravel() for part in parts])


def train(weights, batches, config, rate=None, optimizer=None, flip=None):
  """Runs the batches; returns (update [d], mean loss).

  `flip`, if any, changes the gradient.
  """
  start = weights = np.asarray(weights, np.float64)
  optimizer = optimizer or Optimizer(config, len(weights))
  losses = []
  for x, y in batches:
    loss, gradient = loss_and_gradient(weights, x, y)
    gradient = flip(gradient) if flip else gradient
    weights = optimizer.step(weights, gradient, rate or config.learning_rate)
    losses.append(loss)
  return weights - start, np.mean(losses)


def batches_of(clients, client, round_number, *, padded=False):
  """Returns the (x, y) that a client trains on, batch by batch.

  The real training runs outside a graph, where a hook sees each batch.
  """
  seen = []

  def record(x, y, context):
    real = len(y) if context.num_examples is None else context.num_examples
    seen.append((x.numpy()[:real].astype(np.float64), y.numpy()[:real]))
    return x, y

  model = tiny.model()
  one = local_training.build_local_training(model, clients, padded=padded)
  weights = tf.zeros([model.num_weights])
  one(
    weights,
    Shard(client['x'], client['y'], client['count']),
    client['seed'],
    tf.constant(round_number),
    tf.zeros([local_training.num_slots(clients), model.num_weights]),
    tf.constant(0),
    Hooks(poison=record),
    AttackContext(weights=weights),
  )
  return seen
