"""Gradient ascent: the honest update, with its sign changed."""

from typing import Callable

import tensorflow as tf

from flsec import registry
from flsec.attacks import hooks, known_rows
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.data.label_permutation import label_permutation


@registry.attack('gradient_ascent', paper='AGRAMPLIFIER (G-asc)')
def gradient_ascent(*, replication: str = 'none') -> Attack:
  """Sends minus the update that honest training gives.

  delta' = -delta, with delta the client's own update after local training.
  Composed with a data attack, delta is the update on the poisoned examples.

  Args:
    replication: 'none', or 'agramplifier': as its code does, the client trains
      on permuted labels as well, from where its honest training ended. Of that
      it sends nothing; but its optimiser's moments, where they live on, have
      seen those labels when the next honest training begins.

  Returns:
    The attack, with the hook `update`; under `replication` with `train` and
    `relabel`.

  Raises:
    ValueError: an unknown replication.

  References:
    "Better together: attaining the triad of Byzantine-robust federated learning
    via local update amplification", section 4.2.1 (G-asc).
  """
  known_rows.require_choice(
    'gradient_ascent', 'replication', replication, ('none', 'agramplifier')
  )

  def update(values: tf.Tensor, context: AttackContext) -> tf.Tensor:
    del context
    return -values

  if replication == 'none':
    return Attack('gradient_ascent', update=update)
  flip = label_permutation()

  def train(run: Callable[..., tf.Tensor], context: AttackContext) -> tf.Tensor:
    honest, go_on = hooks.honest_first(run, context.weights)
    go_on(poison=flip.poison)
    return -honest

  return Attack('gradient_ascent', train=train, relabel=flip.relabel)
