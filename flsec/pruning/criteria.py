"""Scores all ordered pairs of units of a dense layer, by name of criterion."""

import dataclasses
from collections.abc import Mapping

import tensorflow as tf

from flsec.models.layout import Layer, Layout
from flsec.pruning import folding, targets
from flsec.pruning.impact import impact
from flsec.pruning.intervals import Interval
from flsec.pruning.masks import outgoing_span
from flsec.pruning.saliency import saliency
from flsec.pruning.vector import read

CRITERIA = ('impact', 'saliency', 'l1')


@dataclasses.dataclass(frozen=True)
class Criterion:
  """What makes a pair of units less significant than another.

  Attributes:
    name: one of `CRITERIA`.
    l1_weight, entropy_weight, similarity_threshold: see `impact`.
    weigh_by_kept: see `saliency`.

  Raises:
    ValueError: a weight below 0, both 0, or a threshold outside [0, 1].
  """

  name: str
  l1_weight: float = 0.75
  entropy_weight: float = 0.25
  similarity_threshold: float = 0.9
  weigh_by_kept: bool = False

  def __post_init__(self) -> None:
    weights = self.l1_weight, self.entropy_weight
    if min(weights) < 0.0 or max(weights) == 0.0:
      raise ValueError(
        'pruning.l1_weight and pruning.entropy_weight must be at least 0, and '
        f'one of them above; got {weights[0]!r} and {weights[1]!r}.'
      )
    if not 0.0 <= self.similarity_threshold <= 1.0:
      raise ValueError(
        'pruning.similarity_threshold must be in [0, 1]; got '
        f'{self.similarity_threshold!r}.'
      )


def pair_scores(
  criterion: Criterion,
  weights: tf.Tensor,
  layout: Layout,
  layer: Layer,
  bounds: Mapping[str, Interval],
) -> tuple[tf.Tensor, tf.Tensor]:
  """Scores every ordered pair (a kept, b removed); lower goes first.

  Args:
    criterion: 'impact' or 'saliency'.
    weights: float [d].
    layout: of the model.
    layer: a hidden dense layer with a dense consumer.
    bounds: intervals of the units, by layer; read for 'impact' only.

  Returns:
    scores float64 [n, n], and what ranks pairs of equal score, float64 [n, n].
  """
  outgoing = tf.cast(read(weights, outgoing_span(layout, layer)), tf.float64)
  if criterion.name == 'saliency':
    incoming, bias = folding.folded(weights, layout, layer)
    scores = saliency(
      incoming, bias, outgoing, weigh_by_kept=criterion.weigh_by_kept
    )
    return scores, scores
  consumer, *behind = targets.downstream(layout, layer)
  scale = folding.normalisation(weights, layout, consumer).scale
  before_logits = [consumer, *behind][:-1]
  return impact(
    bounds[layer.name],
    outgoing * scale,
    [folding.folded(weights, layout, other)[0] for other in behind],
    passes_activation=any(
      other.activation != 'linear' for other in before_logits
    ),
    l1_weight=criterion.l1_weight,
    entropy_weight=criterion.entropy_weight,
    similarity_threshold=criterion.similarity_threshold,
  )
