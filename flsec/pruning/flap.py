"""FLAP: pruning after aggregation that needs no data and no clients."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.models.layout import Layer, Layout
from flsec.pruning import criteria, masks, matching, targets
from flsec.pruning.filter_norms import l1_norms
from flsec.pruning.intervals import Interval, unit_intervals
from flsec.pruning.merge import merge_change
from flsec.pruning.options import Options, check_range, layer_kinds
from flsec.pruning.pruner import Pruner, PruningContext, Record


@dataclasses.dataclass(frozen=True)
class Choice:
  """The units of one layer to prune.

  Attributes:
    layer: whose units.
    units: int32 [k], -1 where none was left.
    scores: float32 [k].
    partners: int32 [k] that take over; None where nobody does.
  """

  layer: Layer
  units: tf.Tensor
  scores: tf.Tensor
  partners: Optional[tf.Tensor] = None

  def removed(self) -> tf.Tensor:
    """Marks the units to prune, bool [layer.units]."""
    hits = tf.one_hot(self.units, self.layer.units, True, False)
    return tf.reduce_any(hits, axis=0)


@registry.pruner('flap', paper='Meng et al., ICICS 2023')
def flap(
  *,
  fraction: float = 0.01,
  criterion: str = 'impact',
  merge: str = 'sum',
  start_round: int = 1,
  every: int = 5,
  layers: Sequence[str] = ('conv', 'dense'),
  skip_zero: bool = False,
  residual: str = 'inner',
  persistent: bool = False,
  l1_weight: float = 0.75,
  entropy_weight: float = 0.25,
  similarity_threshold: float = 0.9,
  replication: str = 'none',
) -> Pruner:
  """Zeroes the least significant filters and hidden units after aggregation.

  From each conv layer go the `k = max(1, ceil(fraction * units))` filters of
  lowest l1 norm; from each hidden dense layer that feeds a dense one, the k
  units whose removal in favour of a partner matters least, as `criterion` says;
  no unit is in two pairs. Units that are zero already count among the k: they
  have the lowest norm and impact, so that a later pruning mostly chooses them
  again, and `fraction` is the share that is zero at any time and not one that
  grows with every pruning. A pruned unit's incoming weights, bias and following
  normalisation parameters become 0; a dense unit's outgoing weights go to its
  partner. Shapes stay, the output layer is untouched, and every layer keeps at
  least one unit that is not zero. All scores are taken from the weights as they
  come in, so that the order of the layers does not matter. A layer whose
  weights are not all finite loses no dense unit.

  Args:
    fraction: pruned share of the units of each layer, in (0, 1].
    criterion: for dense units: 'impact' (propagated to the logits by interval
      arithmetic from the input range, the paper's), 'saliency' (weights of the
      pair alone) or 'l1' (norm of the incoming weights; no partner).
    merge: 'sum' adds the removed unit's outgoing weights to the partner's;
      'double' doubles the partner's, as the paper's text has it.
    start_round: first round that prunes.
    every: rounds between two prunings.
    layers: kinds of layers that are pruned, of 'conv' and 'dense'.
    skip_zero: never choose filters and dense units that are zero already, nor
      dense units whose outgoing weights are zero: every pruning then takes k
      more of each layer. Either way such a unit takes over from no other.
    residual: convs whose filters an addition ties: 'inner' leaves them, 'tied'
      prunes the whole group together by its summed norms, 'skip' prunes no conv
      of such a model (the paper's limitation).
    persistent: zero the pruned entries again after every later aggregation.
    l1_weight: weight of the impact's l1 norm.
    entropy_weight: weight of its entropy.
    similarity_threshold: similarity from which two logits' changes are alike.
    replication: 'flap_code' repeats the released code's choice of units:
      saliency weighed by the kept unit, the lowest pair of all passed over,
      zero units free to take over, only the removed unit's outgoing weights
      zeroed, and no dense layer pruned where there are fewer than two. Needs
      criterion 'saliency' and merge 'sum'. The code prunes in rounds 5, 10, ...
      (`start_round: 5`).

  Returns:
    The pruner.

  Raises:
    ValueError: an option out of its range.

  References:
    Meng, Teo, Bai, Wang, Dong: Enhancing Federated Learning Robustness using
    Data-Agnostic Model Pruning, ICICS 2023, section 4.2.
  """
  check_range('start_round', start_round, start_round >= 1, '1, 2, ...')
  check_range('every', every, every >= 1, '1, 2, ...')
  options = Options(
    fraction=fraction,
    criterion=criteria.Criterion(
      name=criterion,
      l1_weight=l1_weight,
      entropy_weight=entropy_weight,
      similarity_threshold=similarity_threshold,
      weigh_by_kept=replication == 'flap_code',
    ),
    merge=merge,
    layers=layer_kinds(layers),
    skip_zero=skip_zero,
    residual=residual,
    replication=replication,
  )
  return Pruner(
    name=f'flap({criterion}, {fraction:g})',
    prune=functools.partial(_prune, options),
    start_round=start_round,
    every=every,
    persistent=persistent,
  )


def _prune(
  options: Options,
  weights: tf.Tensor,
  layout: Layout,
  context: PruningContext,
) -> tuple[tf.Tensor, tf.Tensor, Record]:
  """Implements `Pruner.prune`."""
  layout.check_followed('FLAP')
  chosen = [
    *_choose_filters(options, weights, layout),
    *_choose_units(options, weights, layout, context),
  ]
  if not chosen:
    raise ValueError(
      f'FLAP finds nothing to prune: of the kinds {list(options.layers)}, with '
      f'residual {options.residual!r}, the model has no conv layer and no '
      'hidden dense layer that feeds a dense layer. Remove the pruning section '
      'or choose another model.'
    )
  mask = _mask(options, layout, chosen)
  pairs = [(c.layer, c.units, c.partners) for c in chosen if _is_pair(c)]
  if pairs:
    weights += merge_change(weights, layout, pairs, options.merge)
  return masks.apply_mask(weights, mask), mask, _record(chosen)


def _choose_filters(
  options: Options, weights: tf.Tensor, layout: Layout
) -> list[Choice]:
  chosen = []
  if 'conv' not in options.layers:
    return chosen
  for group in targets.filter_groups(layout, options.residual):
    is_eligible = tf.ones([group[0].units], tf.bool)
    if options.skip_zero:
      is_eligible = tf.zeros_like(is_eligible)
      for layer in group:
        is_eligible |= masks.is_alive(weights, layout, layer, outgoing=False)
    units, scores = matching.smallest_units(
      l1_norms(weights, group), is_eligible, options.count(group[0].units)
    )
    chosen += [Choice(layer, units, scores) for layer in group]
  return chosen


def _choose_units(
  options: Options,
  weights: tf.Tensor,
  layout: Layout,
  context: PruningContext,
) -> list[Choice]:
  paired = targets.paired_layers(layout)
  if 'dense' not in options.layers or not paired:
    return []
  if options.is_replica and len(paired) < 2:
    return []
  bounds: dict[str, Interval] = {}
  if options.criterion.name == 'impact':
    bounds = unit_intervals(weights, layout, context.input_range)
  return [
    _choose_of_layer(options, weights, layout, layer, bounds)
    for layer in paired
  ]


def _choose_of_layer(
  options: Options,
  weights: tf.Tensor,
  layout: Layout,
  layer: Layer,
  bounds: dict[str, Interval],
) -> Choice:
  count = options.count(layer.units)
  is_eligible = tf.ones([layer.units], tf.bool)
  if options.skip_zero:
    is_eligible = masks.is_alive(weights, layout, layer, outgoing=True)
  if options.criterion.name == 'l1':
    norms = l1_norms(weights, [layer])
    units, scores = matching.smallest_units(norms, is_eligible, count)
    return Choice(layer, units, scores)
  scores, tie_breaks = criteria.pair_scores(
    options.criterion, weights, layout, layer, bounds
  )
  may_keep = None
  if not options.is_replica:
    may_keep = masks.is_alive(weights, layout, layer, outgoing=False)
  units, partners, values = matching.match_pairs(
    scores,
    tie_breaks,
    is_eligible,
    count,
    may_keep=may_keep,
    skip_first=options.is_replica,
  )
  return Choice(layer, units, values, partners)


def _is_pair(choice: Choice) -> bool:
  return choice.partners is not None


def _mask(
  options: Options, layout: Layout, chosen: Sequence[Choice]
) -> tf.Tensor:
  own, outgoing = {}, {}
  for choice in chosen:
    removed = choice.removed()
    is_dense = choice.layer.kind == 'dense'
    if is_dense:
      outgoing[choice.layer.name] = removed
    if not (is_dense and options.is_replica):
      own[choice.layer.name] = removed
  return masks.unit_mask(layout, own, outgoing)


def _record(chosen: Sequence[Choice]) -> Record:
  record = {}
  for choice in chosen:
    record[f'{choice.layer.name}/units'] = choice.units
    record[f'{choice.layer.name}/scores'] = choice.scores
    if _is_pair(choice):
      record[f'{choice.layer.name}/partners'] = choice.partners
  return record
