"""Label flipping and gradient ascent in one update."""

from typing import Callable, Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks import known_rows
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.data.label_permutation import label_permutation
from flsec.attacks.hooks import honest_first


@registry.attack('flip_and_ascent', paper='AGRAMPLIFIER (L-flip + G-asc)')
def flip_and_ascent(
  *,
  flip: Optional[Attack] = None,
  is_sequential: bool = False,
  replication: str = 'none',
) -> Attack:
  """Adds the label-flipping update to minus the honest update.

  delta' = delta_flip - delta_honest, from two local trainings, in the paper
  both from the global weights.

  Args:
    flip: the attack whose `poison` gives delta_flip; None: label_permutation,
      the paper's L-flip.
    is_sequential: train delta_flip from the honestly trained weights.
    replication: 'none', or 'agramplifier': as its code does, train delta_flip
      from where the honest training ended, in weights and in the optimiser's
      moments.

  Returns:
    The attack, with the hook `train` and, if `flip` has them, `relabel` and
    `victims`.

  Raises:
    ValueError: if `flip` does not poison examples, or is to be trained both
      with moments that go on and with others; an unknown replication.

  References:
    "Better together: attaining the triad of Byzantine-robust federated learning
    via local update amplification", section 4.2.1 (<L-flip>+<G-asc>).
  """
  known_rows.require_choice(
    'flip_and_ascent', 'replication', replication, ('none', 'agramplifier')
  )
  if is_sequential and replication != 'none':
    raise ValueError(
      "flip_and_ascent with replication='agramplifier' is sequential, and goes "
      'on with the same moments besides. Leave is_sequential out.'
    )
  flip = flip or label_permutation()
  if flip.poison is None:
    raise ValueError(
      'flip_and_ascent needs a `flip` that poisons examples; got '
      f'{flip.name!r}. Give a label attack, such as label_flip.'
    )

  def train(run: Callable[..., tf.Tensor], context: AttackContext) -> tf.Tensor:
    if replication == 'agramplifier':
      honest, go_on = honest_first(run, context.weights)
      return go_on(poison=flip.poison) - honest
    honest = run()
    start = context.weights + honest if is_sequential else context.weights
    return run(poison=flip.poison, start=start) - honest

  return Attack(
    'flip_and_ascent',
    train=train,
    relabel=flip.relabel,
    victims=flip.victims,
    source_labels=flip.source_labels,
  )
