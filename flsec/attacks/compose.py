"""Several attacks at once, as one attack."""

from collections.abc import Sequence
from typing import Callable, Optional

from flsec import registry
from flsec.attacks.attack import Attack
from flsec.attacks.hooks import (
  chain_gradient,
  chain_poison,
  chain_projection,
  chain_update,
  join_training,
)


@registry.attack('compose', paper='')
def compose(*, attacks: Sequence[Attack]) -> Attack:
  """Joins several attacks: each hook runs through all of them, in order.

  Batches pass through every `poison` from the first attack to the last, and
  likewise gradients, projections and updates. A `train`, a `craft` or a
  `report` replaces its whole stage, so at most one attack may bring it; the
  poison, gradient and projection of the others then join every local training
  that `train` runs, behind its own. The victims are those of the first attack
  that has any.

  Args:
    attacks: at least one, in the order in which they apply.

  Returns:
    The attack, with every hook that any of them has.

  Raises:
    ValueError: if there is none, or two bring `train`, `craft`, `report`,
      `relabel` or a state.
  """
  if not attacks:
    raise ValueError(
      'compose needs at least one attack; got none. Leave the attack out for a '
      'run without one.'
    )
  crafting = _only(attacks, 'craft')
  reporting = _only(attacks, 'report')
  poison = chain_poison([a.poison for a in attacks])
  gradient = chain_gradient([a.gradient for a in attacks])
  project = chain_projection([a.project for a in attacks])
  victims = [a.victims for a in attacks if a.victims]
  training = _only(attacks, 'train')
  train = training.train if training else None
  if training:
    others = [a for a in attacks if a is not training]
    train = join_training(
      train,
      poison=chain_poison([a.poison for a in others]),
      gradient=chain_gradient([a.gradient for a in others]),
      project=chain_projection([a.project for a in others]),
    )
  stateful = _only(attacks, 'initialize')
  relabelling = _only(attacks, 'relabel')
  return Attack(
    '+'.join(a.name for a in attacks),
    poison=poison,
    gradient=gradient,
    project=project,
    update=chain_update([a.update for a in attacks]),
    train=train,
    craft=crafting.craft if crafting else None,
    report=reporting.report if reporting else None,
    default_knowledge=crafting.default_knowledge if crafting else 'none',
    space=crafting.space if crafting else 'gradient',
    initialize=stateful.initialize if stateful else None,
    relabel=relabelling.relabel if relabelling else None,
    victims=victims[0] if victims else None,
    minimum_known_rows=max(a.minimum_known_rows for a in attacks),
    source_labels=_source_labels(attacks),
    idle=_idle(attacks),
  )


def _source_labels(attacks: Sequence[Attack]) -> tuple[int, ...]:
  poisoning = [a for a in attacks if a.poison or a.source_labels]
  if not all(a.source_labels for a in poisoning):
    return ()
  return tuple(sorted({c for a in poisoning for c in a.source_labels}))


def _idle(
  attacks: Sequence[Attack],
) -> Optional[Callable[[int, int], Optional[str]]]:
  """Tells why nothing is changed, where that holds for every attack."""
  if not all(attack.idle for attack in attacks):
    return None

  def idle(num_clients: int, num_byzantine: int) -> Optional[str]:
    reasons = [attack.idle(num_clients, num_byzantine) for attack in attacks]
    return '; '.join(reasons) if all(reasons) else None

  return idle


def _only(attacks: Sequence[Attack], hook: str) -> Optional[Attack]:
  """Returns the one attack that has the hook, or None.

  Raises:
    ValueError: if two have it; names both.
  """
  found = [attack for attack in attacks if getattr(attack, hook) is not None]
  if len(found) > 1:
    raise ValueError(
      f'compose takes at most one attack with `{hook}`, which replaces that '
      f'stage; got {found[0].name!r} and {found[1].name!r}. Leave one out, or '
      "nest it as the other's `attack` where that has such an option."
    )
  return found[0] if found else None
