"""How much memory a round will need, and how much there is.

A rule that ranks or compares updates holds all of them at once. What cannot
fit is refused before the first round, rather than killed by the kernel in it.
"""

import dataclasses
import math
from typing import Optional

from absl import logging

from flsec.federated import local_training
from flsec.federated.plan import Plan
from flsec.runtime import available_memory

_FLOAT_BYTES = 4
# The rows and, at some moment of merging or of the rule, a second copy.
_STACK_COPIES = 2
# Of each client in training: start, weights, gradient, update.
_VECTORS_PER_CLIENT = 4
_CLIENTS_AHEAD = 2  # Results that wait to be merged, by thread.


class NotEnoughMemoryError(ValueError):
  """A round needs more memory than there is; the message says the way out."""


@dataclasses.dataclass(frozen=True)
class Need:
  """The memory of a round, in bytes, beyond what is in use before it.

  Attributes:
    updates: the stack of updates; or, where a sum is enough, the sums.
    state: of clients, kept by the server, in its old and new version.
    examples: of the clients that take part.
    training: of the clients that are trained at once.
    is_stack: whether all updates are held at once.
  """

  updates: int
  state: int
  examples: int
  training: int
  is_stack: bool

  @property
  def total(self) -> int:
    """All of it."""
    return self.updates + self.state + self.examples + self.training


def need(
  plan: Plan, *, num_clients: int, examples_bytes: int, num_threads: int
) -> Need:
  """Predicts the memory of a round.

  Args:
    plan: what is run.
    num_clients: clients in a round, n.
    examples_bytes: of the examples that all clients hold.
    num_threads: clients trained at once.
  """
  vector = plan.dimension * _FLOAT_BYTES
  slots = local_training.num_slots(plan.clients)
  total_clients = plan.clients.num_clients
  state = total_clients * vector * bool(plan.clients.momentum)
  row = vector
  if plan.keeps_slots:
    state += total_clients * slots * vector
    row += slots * vector
  if plan.streams:
    # Sums merge like the digits of a binary counter.
    digits = math.ceil(math.log2(num_clients)) + 1
    updates = (digits + _CLIENTS_AHEAD * num_threads) * vector
  else:
    updates = _STACK_COPIES * num_clients * row
  training = (_VECTORS_PER_CLIENT + slots) * vector
  # What the forward pass keeps, and the gradients of it.
  activations = 2 * plan.clients.batch_size * plan.model.num_activations
  training += activations * _FLOAT_BYTES
  return Need(
    updates=updates,
    state=2 * state,
    examples=examples_bytes,
    training=num_threads * training,
    is_stack=not plan.streams,
  )


def check(
  plan: Plan,
  *,
  num_clients: int,
  examples_bytes: int,
  num_threads: int,
  available: Optional[int] = None,
) -> Need:
  """Says how much memory a round needs, and refuses what cannot fit.

  Args:
    plan: what is run.
    num_clients: clients in a round.
    examples_bytes: of the examples that all clients hold.
    num_threads: clients trained at once.
    available: bytes that there are; None asks the system.

  Returns:
    The need.

  Raises:
    NotEnoughMemoryError: a round needs more memory than there is.
  """
  needed = need(
    plan,
    num_clients=num_clients,
    examples_bytes=examples_bytes,
    num_threads=num_threads,
  )
  there_is = (
    available_memory.available_bytes() if available is None else available
  )
  if needed.is_stack:
    logging.info(
      'The rule holds the updates of %d clients x %d weights at once: a round '
      'needs about %s; %s are available.',
      num_clients,
      plan.dimension,
      _text(needed.total),
      _text(there_is),
    )
  if needed.total > there_is:
    raise NotEnoughMemoryError(_refusal(plan, needed, num_clients, there_is))
  return needed


def _refusal(plan: Plan, needed: Need, num_clients: int, there_is: int) -> str:
  if needed.is_stack:
    what = (
      f'for the updates of {num_clients} clients x {plan.dimension} weights, '
      'held twice while the rule works'
    )
    row = needed.updates // num_clients
    rest = there_is - (needed.total - needed.updates)
    most = max(0, rest // row)
    ways = (
      'Take a rule that needs a sum only (server.aggregator: mean, without an '
      'attack that crafts updates and without client momentum), '
    )
    if most:
      ways += f'at most {most} clients a round (clients.num_selected), '
  else:
    what = f'for sums of {plan.dimension} weights'
    ways = 'Take fewer threads (runtime.threads), '
  parts = (
    f'{_text(needed.updates)} {what}',
    f"{_text(needed.state)} for the clients' state",
    f'{_text(needed.examples)} for their examples',
    f'{_text(needed.training)} for training',
  )
  return (
    f'A round needs about {_text(needed.total)} of memory, and '
    f'{_text(there_is)} are available. It needs {"; ".join(parts)}. {ways}or a '
    'smaller model (model).'
  )


def _text(count: int) -> str:
  return f'{count / 2**30:.2f} GiB'
