"""A federation small enough to check by hand: what these tests share."""

import numpy as np
import rounding
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators import screening
from flsec.config import schema
from flsec.data.dataset import Federation, Split
from flsec.experiment.client_pool import ClientPool
from flsec.federated import process
from flsec.federated.plan import AttackPlan, Plan
from flsec.federated.root_training import RootTraining
from flsec.models.flat import FlatModel
from flsec.runtime.in_process import InProcess

FEATURES, HIDDEN, CLASSES = 4, 5, 3
SEED = 3
# Adam that rounds as SGD does: at its usual options float32 loses 4 digits of
# 1 - 0.999, and a gradient next to 0 is divided by itself.
TAME_ADAM = {'name': 'adam', 'beta_2': 0.9, 'epsilon': 1e-2}
# Roundings of a step: the sums over inputs, units, classes and a batch, there
# and back, and what the optimiser does with the gradient.
_STEP_LENGTH = 40


def model(features=FEATURES, hidden=HIDDEN, classes=CLASSES):
  """A two-layer perceptron on float32 features."""
  inputs = tf.keras.Input((features,))
  x = tf.keras.layers.Dense(hidden, activation='tanh', name='hidden')(inputs)
  x = tf.keras.layers.Dense(classes, name='logits')(x)
  return FlatModel(tf.keras.Model(inputs, x), scale=1.0)


def assert_close(found, exact, *, steps, step_length=_STEP_LENGTH):
  """Fails where training in float32 is farther off than rounding explains.

  Args:
    found, exact: arrays, or structures of them, such as states.
    steps: how many steps are behind them; twice as many, where both round.
    step_length: the roundings of a step.
  """
  tf.nest.assert_same_structure(found, exact)
  for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(exact)):
    largest = max(1.0, np.abs(other).max(initial=0.0))
    rounding.assert_close(one, other, terms=largest, length=steps * step_length)


def clients_config(num_clients=4, **options):
  """Plain SGD at 0.1, two epochs of batches of 4."""
  given = {'epochs': 2, 'batch_size': 4, **options}
  optimizer = given.pop('optimizer', {'learning_rate': 0.1})
  return schema.ClientsConfig(
    num_clients=num_clients,
    optimizer=schema.OptimizerConfig(**optimizer),
    **given,
  )


def federation(sizes, seed=0):
  """Clients with the given numbers of examples."""
  rng = np.random.default_rng(seed)
  total = sum(sizes)
  x = rng.normal(size=[total, FEATURES]).astype(np.float32)
  y = rng.integers(0, CLASSES, total).astype(np.int32)
  return Federation(
    x=x,
    y=y,
    offsets=np.cumsum([0, *sizes]),
    test=Split(x, y),
    num_classes=CLASSES,
    scale=1.0,
    shift=0.0,
  )


def plan(num_clients=4, *, rule='mean', attack=None, clients=None, **options):
  """A plan of one round; `rule` is a registered name or a Rule."""
  flat = options.pop('model', None) or model()
  if isinstance(rule, str):
    rule = aggregators.build(rule)
  clients = clients or clients_config(num_clients)
  given = {
    'root_training': RootTraining(clients.optimizer),
    'initial_weights': flat.initial_weights(SEED),
    'seed': SEED,
    'example_dtype': 'float32',
    'num_participants': num_clients,
    **options,
  }
  return Plan(
    model=flat,
    clients=clients,
    rule=screening.screened(rule),
    attack=attack,
    **given,
  )


def attack_plan(attack, malicious, **options):
  """An attack by the given clients (bools), in every round."""
  malicious = np.asarray(malicious)
  given = {
    'knowledge': attack.default_knowledge,
    'num_participants': int(malicious.sum()),
    **options,
  }
  return AttackPlan(attack=attack, malicious=malicious, **given)


def structs(federated, malicious=None, batch_size=None):
  """What each client holds, in the order of their ids."""
  if malicious is None:
    malicious = np.zeros(federated.num_clients, bool)
  pool = ClientPool(
    federated, np.asarray(malicious), SEED, batch_size=batch_size
  )
  return pool.structs(np.arange(federated.num_clients))


def run(plan, clients, rounds=1, num_threads=1):
  """Returns (state, metrics) after each round in this process."""
  history = []
  runtime = InProcess(process.build_process(plan), num_threads=num_threads)
  with runtime:
    state = runtime.initialize()
    for _ in range(rounds):
      state, metrics = runtime.next(state, clients)
      history.append((_numpy(state), _numpy(metrics)))
  return history


def weights_of(history):
  """Returns the weights after each round, float32 [rounds, d]."""
  return np.stack([state['weights'] for state, _ in history])


def _numpy(nest):
  return tf.nest.map_structure(np.asarray, nest)
