"""What each client holds, as tensors that live as long as the run."""

import collections
from typing import Optional

import numpy as np
import tensorflow as tf

from flsec import seeds
from flsec.data.dataset import Federation


class ClientPool:
  """Makes each client's struct once; rounds pick from it without a copy."""

  def __init__(
    self,
    federation: Federation,
    malicious: np.ndarray,
    seed: int,
    *,
    batch_size: Optional[int] = None,
  ) -> None:
    """Takes the clients of a federation.

    Args:
      federation: who holds which examples.
      malicious: bool [num_clients].
      seed: the root of every random draw.
      batch_size: pad shards with zeros to one of a few numbers of whole batches
        of this size, for XLA; None: leave them as they are.
    """
    self._batch_size = batch_size
    self._federation = federation
    self._ranks = np.where(malicious, np.cumsum(malicious) - 1, -1)
    self._seed = seed
    self._clients: dict[int, collections.OrderedDict] = {}

  def structs(self, ids: np.ndarray) -> list[collections.OrderedDict]:
    """Returns the structs of the given clients, in order."""
    return [self._struct(int(i)) for i in ids]

  def _struct(self, client_id: int) -> collections.OrderedDict:
    if client_id not in self._clients:
      shard = self._federation.client(client_id)
      stream = seeds.stream(self._seed, 'client', client_id)
      struct = collections.OrderedDict(
        x=tf.constant(self._padded(shard.x)),
        y=tf.constant(self._padded(shard.y), tf.int32),
        count=tf.constant(len(shard), tf.int32),
        client_id=tf.constant(client_id, tf.int32),
        rank=tf.constant(self._ranks[client_id], tf.int32),
        seed=tf.constant(stream),
      )
      labels = self._federation.attack_y
      if labels is not None:
        own = slice(*self._federation.offsets[client_id : client_id + 2])
        struct['attack_y'] = tf.constant(self._padded(labels[own]), tf.int32)
      self._clients[client_id] = struct
    return self._clients[client_id]

  def _padded(self, rows: np.ndarray) -> np.ndarray:
    if self._batch_size is None:
      return rows
    batches = bucket(-(-len(rows) // self._batch_size))
    missing = batches * self._batch_size - len(rows)
    return np.pad(rows, [(0, missing)] + [(0, 0)] * (rows.ndim - 1))


def bucket(batches: int) -> int:
  """Returns the least of 1, 2, 3, 4, 6, 8, 12, 16, 24, ... not below `batches`.

  A client without an example has a batch of padding: a slice needs its size.

  A client trains on its real batches only, so padding costs memory, no time.
  """
  power = 1 << max(0, max(batches, 1) - 1).bit_length()
  return power * 3 // 4 if power >= 4 and batches <= power * 3 // 4 else power
