"""A small local training, as a malicious client runs it, for attacks' tests."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.attack import AttackContext
from flsec.models.layout import Layer, Layout, Span

FEATURES, CLASSES, STEPS, LEARNING_RATE = 4, 3, 3, 0.5


@dataclasses.dataclass(frozen=True)
class LocalClient:
  """A linear softmax model's client: 3 steps of SGD on one batch."""

  x: tf.Tensor
  y: tf.Tensor
  context: AttackContext

  def gradient(self, weights, y):
    with tf.GradientTape() as tape:
      tape.watch(weights)
      logits = self.x @ tf.reshape(weights, [FEATURES, CLASSES])
      loss = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
    return tape.gradient(loss, weights) / len(self.x)

  def run(self, poison=None, gradient=None, project=None, start=None):
    start = self.context.weights if start is None else start
    weights = start
    for _ in range(STEPS):
      _, y = poison(self.x, self.y, self.context) if poison else (0, self.y)
      step = self.gradient(weights, y)
      step = gradient(step, weights, self.context) if gradient else step
      weights = weights - LEARNING_RATE * step
      weights = project(weights, self.context) if project else weights
    return weights - start

  def attacked(self, attack):
    """Returns what the attack's client sends: its hooks, or its `train`."""
    if attack.train:
      update = attack.train(self.run, self.context)
    else:
      update = self.run(attack.poison, attack.gradient, attack.project)
    return attack.update(update, self.context) if attack.update else update


@pytest.fixture
def client():
  """A client with rank 0 of 2 attackers among 10 clients."""
  rng = np.random.default_rng(7)
  size = FEATURES * CLASSES
  layer = Layer('hidden', 'conv', {'kernel': Span(0, (1, 1, 4, 3))}, CLASSES)
  return LocalClient(
    x=tf.constant(rng.normal(size=[6, FEATURES]), tf.float32),
    y=tf.constant([0, 1, 2, 1, 0, 2]),
    context=AttackContext(
      weights=tf.constant(rng.normal(size=size), tf.float32),
      previous_update=tf.constant(rng.normal(size=size), tf.float32),
      round_number=tf.constant(2),
      seed=tf.constant([5, 6]),
      num_clients=tf.constant(10),
      num_byzantine=tf.constant(2),
      client_rank=tf.constant(0),
      attack_labels=tf.constant([2, 0, 1, 1, 2, 0]),
      layout=Layout((layer,), size, 'hidden'),
    ),
  )
