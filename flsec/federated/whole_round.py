"""A round as one function of tensors of static shape, for XLA to compile whole.

The same client work, adversary, rule and server's step as in the federated
computation; only that clients are computed together (`vectorized`) and that
nothing is left to Python between them.
"""

import collections
from typing import Callable

import numpy as np
import tensorflow as tf

from flsec.federated import client_work, server_step, state, vectorized
from flsec.federated.plan import Plan
from flsec.numerics import columns, row_norms

Struct = collections.OrderedDict


def build_whole_round(
  plan: Plan, count: int
) -> Callable[[Struct, Struct], tuple[Struct, Struct]]:
  """Builds `(state, clients) -> (state, metrics)`.

  The clients' struct is that of `client_work.client_type` with a leading
  dimension: every client, by id. State and metrics are those of
  `server_step.build_server_step`, without seconds. The numbers are those of a
  run up to the order in which floats are added; whole numbers that are drawn
  are the same.

  Args:
    plan: with `static_rows`.
    count: how many examples every client holds, at least 1.
  """
  is_malicious = (
    np.zeros(plan.clients.num_clients, bool)
    if plan.attack is None
    else plan.attack.malicious
  )
  step = server_step.build_server_step(plan)

  def whole_round(server_state: Struct, clients: Struct):
    broadcast = state.broadcast_of(plan, server_state)
    results = []
    for chosen in (False, True):
      rows = np.flatnonzero(is_malicious == chosen)
      if not len(rows):
        continue
      work = client_work.build_client_work(
        plan, count=count, is_malicious=chosen
      )
      results.append(
        vectorized.vectorized(
          lambda client, work=work: work(broadcast, client),
          _of_rows(clients, rows),
        )
      )
    order = np.argsort(np.argsort(is_malicious, kind='stable'), kind='stable')
    return step(server_state, _stack(results, order))

  def traced(server_state: Struct, clients: Struct):
    with columns.undivided():
      return whole_round(server_state, clients)

  return traced


def _of_rows(clients: Struct, rows: np.ndarray) -> Struct:
  if len(rows) == clients['client_id'].shape[0]:
    return clients
  return Struct((name, tf.gather(x, rows)) for name, x in clients.items())


def _stack(results: list[Struct], order: np.ndarray) -> Struct:
  """Joins the groups' results to rows by client id, and measures them."""
  joined = Struct(
    (name, tf.concat([result[name] for result in results], axis=0))
    for name in results[0]
  )
  if len(results) > 1:
    joined = _of_order(joined, order)
  updates = joined.pop('update')
  norm, is_finite = row_norms.row_norms(updates)
  return Struct(joined, updates=updates, norm=norm, is_finite=is_finite)


def _of_order(rows: Struct, order: np.ndarray) -> Struct:
  return Struct((name, tf.gather(x, order)) for name, x in rows.items())
