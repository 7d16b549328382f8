"""Label flipping and gradient ascent in one update."""

from typing import Callable, Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.data.label_permutation import label_permutation


@registry.attack('flip_and_ascent', paper='AGRAMPLIFIER (L-flip + G-asc)')
def flip_and_ascent(
  *, flip: Optional[Attack] = None, is_sequential: bool = False
) -> Attack:
  """Adds the label-flipping update to minus the honest update.

  delta' = delta_flip - delta_honest, from two local trainings. In the paper
  both start from the global weights; in its code delta_flip is trained from
  the weights where the honest training ended (`is_sequential`).

  Args:
    flip: the attack whose `poison` gives delta_flip; None: label_permutation,
      the paper's L-flip.
    is_sequential: train delta_flip from the honestly trained weights.

  Returns:
    The attack, with the hook `train` and, if `flip` has them, `relabel` and
    `victims`.

  Raises:
    ValueError: if `flip` does not poison examples.

  References:
    "Better together: attaining the triad of Byzantine-robust federated learning
    via local update amplification", section 4.2.1 (<L-flip>+<G-asc>).
  """
  flip = flip or label_permutation()
  if flip.poison is None:
    raise ValueError(
      'flip_and_ascent needs a `flip` that poisons examples; got '
      f'{flip.name!r}. Give a label attack, such as label_flip.'
    )

  def train(run: Callable[..., tf.Tensor], context: AttackContext) -> tf.Tensor:
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
