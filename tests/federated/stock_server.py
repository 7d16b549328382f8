"""Rules, a server and its weights for stock processes."""

import numpy as np
import stock_tff
import tensorflow as tf

from flsec import aggregators, registry
from flsec.config import schema
from flsec.data.dataset import Split
from flsec.federated.root_training import RootTraining
from flsec.federated.rule_factory import Server
from flsec.models.flat import FlatModel

NUM_CLIENTS = 8


# What a required option is given, whatever the rule, and what some are given.
REQUIRED = {
  'num_byzantine': 1,
  'num_clients': NUM_CLIENTS,
  'rule': {'name': 'multi_krum', 'num_byzantine': 1},
}


CHOSEN = {
  'trimmed_mean': {'num_byzantine': 1},
  'gas': {'num_groups': 2},
  'error_rate_rejection': {'num_rejected': 1},
  'loss_rejection': {'num_rejected': 1},
  'union_rejection': {'num_rejected': 1},
}


ROOT_TRAINING = RootTraining(schema.OptimizerConfig(learning_rate=0.1))


def build(name):
  """Builds a registered rule with the options of this test."""
  options = registry.entry('aggregator', name).options
  required = {o.name: REQUIRED[o.name] for o in options if o.is_required}
  return aggregators.build(name, **required, **CHOSEN.get(name, {}))


def server():
  """The stock model's, with a few examples of its own."""
  model = FlatModel(stock_tff.keras_model(), scale=1.0)
  generator = np.random.default_rng(5)
  splits = (
    Split(
      generator.uniform(size=[6, stock_tff.NUM_FEATURES]).astype(np.float32),
      generator.integers(stock_tff.NUM_CLASSES, size=[6]).astype(np.int32),
    )
    for _ in range(2)
  )
  return Server(model, start(), *splits, ROOT_TRAINING)


def start():
  """The stock model's first weights, float32 [d]."""
  return rows([stock_tff.keras_model().get_weights()])[0].astype(np.float32)


def rows(structures):
  return np.stack(
    [
      np.concatenate([np.ravel(leaf) for leaf in tf.nest.flatten(structure)])
      for structure in structures
    ]
  )
