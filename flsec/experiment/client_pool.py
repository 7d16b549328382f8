"""What each client holds, as tensors that live as long as the run."""

import collections

import numpy as np
import tensorflow as tf

from flsec.data.dataset import Federation
from flsec.federated import seeds


class ClientPool:
  """Makes each client's struct once; rounds pick from it without a copy."""

  def __init__(
    self, federation: Federation, malicious: np.ndarray, seed: int
  ) -> None:
    """Takes the clients of a federation.

    Args:
      federation: who holds which examples.
      malicious: bool [num_clients].
      seed: the root of every random draw.
    """
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
      self._clients[client_id] = collections.OrderedDict(
        x=tf.constant(shard.x),
        y=tf.constant(shard.y, tf.int32),
        count=tf.constant(len(shard), tf.int32),
        client_id=tf.constant(client_id, tf.int32),
        rank=tf.constant(self._ranks[client_id], tf.int32),
        seed=tf.constant(stream),
      )
    return self._clients[client_id]
