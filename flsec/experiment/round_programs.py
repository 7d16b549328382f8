"""The programs of one round of an experiment, for inspection elsewhere."""

import pathlib

import numpy as np
import tensorflow as tf

from flsec.config import schema
from flsec.experiment import assembly
from flsec.experiment.client_pool import ClientPool
from flsec.federated import client_work, server_step, state
from flsec.pruning.pruner import PruningContext
from flsec.runtime import device, export


def export_round(
  experiment: schema.Experiment,
  *,
  directory: pathlib.Path,
  data_dir: str,
  num_clients: int,
) -> list[pathlib.Path]:
  """Exports client work, the rule and the pruner as XLA programs.

  `client_work` trains `num_clients` clients of the first round, one after the
  other, each with its shard padded to whole batches. `rule` aggregates a stack
  [n, d] of normal noise, at the initial weights, which `pruning` prunes.

  Args:
    experiment: a validated, resolved configuration.
    directory: where the files go.
    data_dir: folder of the data sets.
    num_clients: clients in the program of client work.

  Returns:
    The files written.

  Raises:
    ValueError: fewer clients of the first one's padded size than asked for.
  """
  device.set_precision(experiment.runtime)
  assembled = assembly.assemble(experiment, data_dir, uses_xla=True)
  files = _client_work(experiment, assembled, directory, num_clients)
  plan = assembled.plan
  if not plan.streams:
    files += _rule(plan, directory)
  if plan.pruner:
    context = PruningContext(
      tf.constant(1), tf.constant([0, 0]), plan.input_range
    )
    files += export.export_program(
      directory,
      'pruning',
      lambda weights: plan.pruner.prune(weights, plan.model.layout, context),
      [tf.constant(plan.initial_weights)],
    )
  return files


def _client_work(experiment, assembled, directory, num_clients):
  pool = ClientPool(
    assembled.federation,
    assembled.malicious,
    experiment.seed,
    batch_size=experiment.clients.batch_size,
  )
  everyone = np.arange(assembled.federation.num_clients)
  clients = pool.structs(everyone)
  alike = [c for c in clients if c['x'].shape == clients[0]['x'].shape]
  if len(alike) < num_clients:
    raise ValueError(
      f"Only {len(alike)} clients have shards of the first one's padded size; "
      f'got num_clients={num_clients}. Export fewer.'
    )
  names = list(clients[0])
  broadcast = state.broadcast_of(
    assembled.plan, state.initial_state(assembled.plan)
  )
  sent = tf.nest.flatten(broadcast)
  work = client_work.build_client_work(assembled.plan)

  def program(*arguments):
    received = tf.nest.pack_sequence_as(broadcast, arguments[: len(sent)])
    spec = work(
      received, _client(names, [a[0] for a in arguments[len(sent) :]])
    )
    return tf.map_fn(
      lambda leaves: work(received, _client(names, leaves)),
      list(arguments[len(sent) :]),
      fn_output_signature=tf.nest.map_structure(
        lambda leaf: tf.TensorSpec(leaf.shape, leaf.dtype), spec
      ),
    )

  rows = [
    tf.stack([client[name] for client in alike[:num_clients]]) for name in names
  ]
  return export.export_program(directory, 'client_work', program, sent + rows)


def _client(names, leaves):
  return dict(zip(names, leaves))


def _rule(plan, directory):
  rule = plan.rule.unscreened or plan.rule
  rows = plan.num_participants
  updates = np.random.default_rng(0).normal(size=(rows, plan.dimension))
  rule_state = rule.initialize(plan.dimension)
  return export.export_program(
    directory,
    'rule',
    lambda stack, weights: rule.next(
      rule_state,
      stack,
      tf.ones([rows]),
      server_step.rule_context(plan, weights, tf.constant(1)),
    )[1],
    [
      tf.constant(updates.astype(np.float32) * 1e-2),
      tf.constant(plan.initial_weights),
    ],
  )
