"""Local training of one tiny client, as a graph."""

import tensorflow as tf
import tiny_federation as tiny

from flsec.attacks.attack import AttackContext
from flsec.federated import local_training
from flsec.federated.batches import Shard
from flsec.federated.local_training import Hooks

OPTIMIZERS = {
  'sgd': {'learning_rate': 0.1},
  'momentum': {'learning_rate': 0.1, 'momentum': 0.9},
  'adam': {'learning_rate': 0.01, **tiny.TAME_ADAM},
}


def client_of(size=10, batch_size=None):
  return tiny.structs(tiny.federation([size]), batch_size=batch_size)[0]


def train(clients, client, *, padded=False, round_number=1, hooks=None):
  """Runs the training as a graph; returns its Trained, as NumPy arrays."""
  model = tiny.model()
  one = local_training.build_local_training(model, clients, padded=padded)
  rows = local_training.num_slots(clients)

  @tf.function(autograph=False)
  def run(weights, client):
    trained = one(
      weights,
      Shard(client['x'], client['y'], client['count']),
      client['seed'],
      tf.constant(round_number),
      tf.zeros([rows, model.num_weights]),
      tf.constant(0),
      hooks or Hooks(),
      hooks and AttackContext(weights=weights),
    )
    return trained.update, trained.slots, trained.count, trained.loss

  results = run(tf.constant(model.initial_weights(tiny.SEED)), client)
  return local_training.Trained(*(result.numpy() for result in results))


def start():
  return tiny.model().initial_weights(tiny.SEED)


def poison(x, y, context):
  # The last real example changes; rows that pad lie behind it.
  real = tf.shape(y)[0]
  if context.num_examples is not None:
    real = context.num_examples
  last = tf.equal(tf.range(tf.shape(y)[0]), real - 1)
  return tf.where(last[:, tf.newaxis], -x, x), tf.where(last, 0, y)


HOOKS = {
  'none': None,
  'poison': Hooks(poison=poison),
  'gradient': Hooks(gradient=lambda gradient, weights, context: -gradient),
  'project': Hooks(
    project=lambda weights, context: tf.clip_by_value(weights, -0.3, 0.3)
  ),
}
