"""Federated pruning: clients vote which channels go, accuracy says how many."""

import dataclasses
import functools
from typing import Optional

import numpy as np

from flsec import registry
from flsec.defenses import channels, stop_rules, votes
from flsec.defenses.phase import (
  SCORE,
  Evaluate,
  Phase,
  Question,
  Record,
  Reports,
)
from flsec.models.channel_layer import channel_layer
from flsec.models.layout import Layout

VOTES = {
  'ranking': ('ranks', votes.ranking_vote),
  'majority': ('bits', votes.majority_vote),
}


@registry.phase('prune', paper='Wu et al., arXiv 2020')
def prune(
  *,
  vote: str = 'ranking',
  share: float = 0.5,
  layer: Optional[str] = None,
  stop: str = 'step',
  max_drop: float = 0.01,
  min_accuracy: float = 0.0,
  test_every: int = 1,
  num_channels: Optional[int] = None,
  ties: str = 'lowest',
  feedback: bool = False,
  seed: int = 0,
) -> Phase:
  """Removes the channels that clients find dormant, while accuracy allows.

  Every client ranks the channels of a layer by their mean activation on its own
  examples (or marks its least active share); the server adds up what is valid,
  and removes channels in the order of the vote. Every `test_every` channels the
  candidate is tested, and `stop` says which one is kept. A removed channel's
  kernel column, bias and normalisation are zero, and stay zero in later phases.
  At least one channel stays.

  Args:
    vote: 'ranking' (mean rank) or 'majority' (how many clients keep it).
    share: p, the share of channels that a client of the majority vote marks, in
      (0, 1). Between 0.3 and 0.7 "performs well in various situations".
    layer: whose channels; None: the last conv layer.
    stop: 'step', 'cumulative' or 'largest_acceptable'; see
      `flsec.defenses.stop_rules.StopRule`.
    max_drop: of accuracy, as `stop` counts it.
    min_accuracy: below it, no candidate is kept.
    test_every: channels between two tests.
    num_channels: remove so many, without any test; where a search before has
      left fewer, all but one.
    ties: of the vote: 'lowest' channel first, or 'seeded'.
    feedback: clients test the candidates, in one more exchange, and not the
      server on its validation examples.
    seed: of seeded ties; the experiment's where left out.

  Returns:
    The phase.

  Raises:
    ValueError: an option out of its range.

  References:
    Wu et al., "Mitigating backdoor attacks in federated learning", 2020,
    sections IV-A and IV-B (votes), V-B (stop: a drop of more than 1 % between
    two test points).
  """
  rule = stop_rules.StopRule(stop, max_drop, min_accuracy)
  options = _Options(
    vote, share, layer, rule, test_every, num_channels, ties, seed
  )
  return Phase(
    'prune',
    needs=frozenset() if num_channels else frozenset({SCORE}),
    check=functools.partial(_check, options),
    collect=Question(VOTES[vote][0], layer, share),
    decide=functools.partial(_decide, options),
    layer=layer,
    removes=True,
    num_channels=num_channels,
    feedback=feedback,
  )


@dataclasses.dataclass(frozen=True)
class _Options:
  """What `prune` documents.

  Raises:
    ValueError: an option out of its range.
  """

  vote: str
  share: float
  layer: Optional[str]
  rule: stop_rules.StopRule
  test_every: int
  num_channels: Optional[int]
  ties: str
  seed: int

  def __post_init__(self) -> None:
    allowed = {'vote': VOTES, 'ties': dict.fromkeys(votes.TIES)}
    for name, known in allowed.items():
      value = getattr(self, name)
      if value not in known:
        raise ValueError(
          registry.unknown_name(f'{name} of prune', value, known)
        )
    if not 0 < self.share < 1:
      raise ValueError(f'prune needs 0 < share < 1; got {self.share}.')
    for name in ('test_every', 'num_channels'):
      value = getattr(self, name)
      if value is not None and value < 1:
        raise ValueError(f'prune needs {name} >= 1; got {value}.')
    stop_rules.check(self.rule, 'prune')


def _check(options: _Options, layout: Layout) -> None:
  """Implements `Phase.check`."""
  layer = channel_layer('prune', layout, options.layer)
  channels.check_prunable('prune', layout, layer)
  count = votes.num_dormant(options.share, layer.units)
  if options.vote == 'majority' and not count:
    raise ValueError(
      f'prune: a share of {options.share} of the {layer.units} channels of '
      f'{layer.name!r} is none. Raise `share`.'
    )


def _decide(
  options: _Options,
  weights: np.ndarray,
  mask: np.ndarray,
  reports: Reports,
  layout: Layout,
  evaluate: Evaluate,
) -> tuple[np.ndarray, np.ndarray, Record]:
  """Implements `Phase.decide`."""
  layer = channel_layer('prune', layout, options.layer)
  count_votes = VOTES[options.vote][1]
  order = count_votes(reports.sums, ties=options.ties, seed=options.seed)
  gone = channels.removed(mask, layout, layer)
  alive = [one for one in order.channels if not gone[one]]
  most = max(0, len(alive) - 1)
  every = options.num_channels or options.test_every
  own = channels.entries(layout, layer)
  zeroed_at = np.full(layout.size, channels.NEVER, np.int32)
  for place, channel in enumerate(alive[:most]):
    zeroed_at[own[channel]] = place // every + 1
  counts = [*range(0, most, every), most] if most else [0]
  points = [{'removed': count} for count in counts]
  kept = min(1, len(points) - 1)
  if options.num_channels is None:
    score = evaluate(zeroed_at, points)
    kept = stop_rules.search(options.rule, score, len(points) - 1)
  is_gone = zeroed_at <= kept
  record = {
    **points[kept],
    'tied': order.tied,
    'largest_tie': order.largest_tie,
  }
  return np.where(is_gone, np.float32(0), weights), mask | is_gone, record
