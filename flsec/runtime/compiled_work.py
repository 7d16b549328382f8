"""Client work compiled by XLA: a few programs, several clients a launch."""

import collections
from collections.abc import Iterator, Sequence
from typing import Any, Callable

import tensorflow as tf

Leaves = list[tf.Tensor]
_CLIENTS_PER_LAUNCH = 8


class CompiledWork:
  """Runs clients of equal shapes in one XLA program, one after the other.

  XLA compiles once for each set of shapes: shards padded to a few sizes (see
  `flsec.experiment.client_pool`) keep compilations few. A launch scans over
  `clients_per_launch` clients inside the program; the rest of a group go one
  by one, so that each size has two programs at most. Stacked inputs stay on
  the device while the same clients take part.
  """

  def __init__(
    self,
    work: Callable[..., Leaves],
    device: str,
    *,
    clients_per_launch: int = _CLIENTS_PER_LAUNCH,
  ):
    """Wraps a client's work.

    Args:
      work: from a client's leaves and then the broadcast's to the result's.
      device: TensorFlow's name of the device.
      clients_per_launch: clients in one program.
    """
    self._device = device
    self._clients_per_launch = clients_per_launch
    self._stacked: dict[tuple[int, ...], tuple[Any, Leaves]] = {}

    def scan(stacked: Leaves, broadcast: Leaves) -> Leaves:
      first = work(*[leaf[0] for leaf in stacked], *broadcast)
      return tf.map_fn(
        lambda leaves: work(*leaves, *broadcast),
        stacked,
        fn_output_signature=[
          tf.TensorSpec(leaf.shape, leaf.dtype) for leaf in first
        ],
      )

    self.program = tf.function(scan, jit_compile=True, autograph=False)

  def __call__(
    self, clients: Sequence[Leaves], broadcast: Leaves
  ) -> Iterator[Leaves]:
    """Yields each client's result, in the order of the clients."""
    results: dict[int, Leaves] = {}
    used = {}
    with tf.device(self._device):
      for launch in self._launches(clients):
        key = tuple(id(clients[index][0]) for index in launch)
        held = self._stacked.get(key) or self._stack(clients, launch)
        used[key] = held
        output = self.program(held[1], list(broadcast))
        rows = zip(*(tf.unstack(leaf, len(launch)) for leaf in output))
        results.update(zip(launch, map(list, rows)))
    self._stacked = used
    return (results[index] for index in range(len(clients)))

  def _launches(self, clients: Sequence[Leaves]) -> Iterator[list[int]]:
    """Groups the clients' numbers by shapes, then by launch."""
    groups: dict[Any, list[int]] = collections.defaultdict(list)
    for index, leaves in enumerate(clients):
      groups[tuple(tuple(leaf.shape) for leaf in leaves)].append(index)
    size = self._clients_per_launch
    for group in groups.values():
      whole = len(group) - len(group) % size
      for start in range(0, whole, size):
        yield group[start : start + size]
      for index in group[whole:]:
        yield [index]

  def _stack(
    self, clients: Sequence[Leaves], launch: list[int]
  ) -> tuple[Any, Leaves]:
    rows = [clients[index] for index in launch]
    # The rows are kept, so that the ids in the key stay theirs.
    return rows, [tf.stack(leaves) for leaves in zip(*rows)]
