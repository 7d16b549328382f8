"""How clients' results become one server value: a stack, or a running sum.

TFF has no collect: rows are concatenated by `tff.federated_aggregate`, which
also merges across workers. A mean is summed instead, so that the number of
clients is bounded by nothing.
"""

import collections
import dataclasses
from typing import Any, Callable

import tensorflow as tf

from flsec.federated import local_training
from flsec.federated.plan import Plan
from flsec.numerics import row_norms

Struct = collections.OrderedDict
_SUMS = ('sum', 'sum_weight')
# Clients, and a client's examples, are fewer than 2^24 each: no sum of finite
# updates overflows. A power of two changes no digit of entries above 4e-24.
SUM_SCALE = 2.0**-48


@dataclasses.dataclass(frozen=True)
class Stacking:
  """The four parts of a `tff.federated_aggregate`, as TensorFlow functions.

  Attributes:
    zero: `() -> accumulator`.
    accumulate: `(accumulator, client result) -> accumulator`.
    merge: `(accumulator, accumulator) -> accumulator`.
    accumulator_type: nest of `tf.TensorSpec`.
  """

  zero: Callable[[], Struct]
  accumulate: Callable[[Struct, Struct], Struct]
  merge: Callable[[Struct, Struct], Struct]
  accumulator_type: Any


def build_stacking(plan: Plan) -> Stacking:
  """Builds the aggregation of client results.

  The accumulator holds, in the order in which clients were added: client_id,
  rank int32 [n]; weight, loss, norm float32 [n]; is_finite bool [n] (both of
  the update); and either updates float32 [n, d] (with slots and counts where
  kept) or, where the plan streams, sum float32 [d] of `SUM_SCALE` x weight x
  update over finite updates, and sum_weight.
  """

  def single(result: Struct) -> Struct:
    # Here the update is in the cache of the thread that made it.
    norm, is_finite = row_norms.row_norms(result['update'][tf.newaxis])
    row = Struct(
      client_id=result['client_id'],
      rank=result['rank'],
      weight=result['weight'],
      loss=result['loss'],
      norm=norm[0],
      is_finite=is_finite[0],
    )
    if plan.streams:
      weight = tf.where(row['is_finite'], result['weight'], 0.0)
      update = tf.where(row['is_finite'], result['update'], 0.0)
      return Struct(
        [(name, value[tf.newaxis]) for name, value in row.items()],
        sum=update * (weight * SUM_SCALE),
        sum_weight=weight,
      )
    row['updates'] = result['update']
    if plan.keeps_slots:
      row.update(slots=result['slots'], counts=result['count'])
    return Struct((name, value[tf.newaxis]) for name, value in row.items())

  return joining(_accumulator_type(plan), single, sums=_SUMS)


def joining(
  spec: Struct, single: Callable[[Struct], Struct], *, sums: tuple[str, ...]
) -> Stacking:
  """Builds an aggregation that adds up some leaves and joins rows of others.

  Args:
    spec: of the accumulator; rows have None as their first dimension.
    single: a client's result -> the accumulator of it alone.
    sums: the leaves that are added up.
  """

  def zero() -> Struct:
    return Struct(
      (name, tf.zeros([size or 0 for size in leaf.shape], leaf.dtype))
      for name, leaf in spec.items()
    )

  def merge(left: Struct, right: Struct) -> Struct:
    return Struct(
      (
        name,
        left[name] + right[name]
        if name in sums
        else tf.concat([left[name], right[name]], 0),
      )
      for name in spec
    )

  return Stacking(
    zero=zero,
    accumulate=lambda total, result: merge(total, single(result)),
    merge=merge,
    accumulator_type=spec,
  )


def _accumulator_type(plan: Plan) -> Struct:
  spec = Struct(
    client_id=tf.TensorSpec([None], tf.int32),
    rank=tf.TensorSpec([None], tf.int32),
    weight=tf.TensorSpec([None], tf.float32),
    loss=tf.TensorSpec([None], tf.float32),
    norm=tf.TensorSpec([None], tf.float32),
    is_finite=tf.TensorSpec([None], tf.bool),
  )
  if plan.streams:
    spec['sum'] = tf.TensorSpec([plan.dimension], tf.float32)
    spec['sum_weight'] = tf.TensorSpec([], tf.float32)
    return spec
  spec['updates'] = tf.TensorSpec([None, plan.dimension], tf.float32)
  if plan.keeps_slots:
    rows = local_training.num_slots(plan.clients)
    spec['slots'] = tf.TensorSpec([None, rows, plan.dimension], tf.float32)
    spec['counts'] = tf.TensorSpec([None], tf.int32)
  return spec


def in_client_order(stack: Struct, *, sums: tuple[str, ...] = _SUMS) -> Struct:
  """Sorts the rows by client id; costs no copy where they are in order."""
  ids = stack['client_id']
  names = [name for name in stack if name not in sums]

  def sort() -> list[tf.Tensor]:
    order = tf.argsort(ids, stable=True)
    return [tf.gather(stack[name], order) for name in names]

  rows = tf.cond(
    tf.reduce_all(ids[1:] > ids[:-1]),
    lambda: [stack[name] for name in names],
    sort,
  )
  ordered = Struct(stack)
  ordered.update(zip(names, rows))
  return ordered
