"""Who waits to ride along on somebody else's walk over a stack."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple, Optional

import tensorflow as tf

_HERE = threading.local()


class Source(NamedTuple):
  """What a stack [m, d] is made of, block by block.

  Attributes:
    stack: [n, d].
    view: `block [n, w] -> block [m, w]`, each column by itself.
  """

  stack: tf.Tensor
  view: Callable[[tf.Tensor], tf.Tensor]


class Rider(NamedTuple):
  """Askers that wait for a walk over a stack.

  Attributes:
    stack: known again by its identity.
    askers: `columns.Asker`s.
    graph: where their answers are wanted.
    source: what blocks are cut from.
    found: their answers, once there are any: at most one tuple.
  """

  stack: tf.Tensor
  askers: tuple
  graph: tf.Graph
  source: Source
  found: list[tuple[Any, ...]]


def whole(updates: tf.Tensor) -> Source:
  """Returns the source of a stack that blocks are cut from as they are."""
  return Source(updates, lambda block: block)


@contextlib.contextmanager
def waiting(
  updates: tf.Tensor, askers: tuple, cut_from: Optional[Source]
) -> Iterator[Rider]:
  """Has askers wait, on this thread and in this graph, for the block's time."""
  graph = tf.compat.v1.get_default_graph()
  rider = Rider(updates, askers, graph, cut_from or whole(updates), [])
  before = _all()
  _HERE.riders = [*before, rider]
  try:
    yield rider
  finally:
    _HERE.riders = before


def on(updates: tf.Tensor) -> list[Rider]:
  """Returns who waits for a walk over a stack that is traced now."""
  graph = tf.compat.v1.get_default_graph()
  return [
    rider
    for rider in _all()
    if rider.stack is updates and rider.graph is graph and not rider.found
  ]


def _all() -> list[Rider]:
  return getattr(_HERE, 'riders', [])
