"""AGRAMPLIFIER: a rule that scores amplified updates."""

from typing import Optional, Union

import tensorflow as tf

from flsec import registry
from flsec.aggregators.rule import (
  Measurements,
  Next,
  Rule,
  ServerContext,
  State,
  View,
  require_clients,
)
from flsec.aggregators.wrappers.flat_max_filter import FlatMaxFilter
from flsec.aggregators.wrappers.max_filter import BIAS_MODES, MaxFilter
from flsec.numerics import selection

REPLICATIONS = ('none', 'agramplifier_code')


@registry.aggregator('amplified', paper='Gong et al., IEEE TIFS 2024')
def amplified(
  *,
  rule: Rule,
  kernel_size: Optional[int] = None,
  bias_mode: Optional[str] = None,
  restore_size: Optional[bool] = None,
  replication: str = 'none',
) -> Rule:
  """Scores clients by the largest entries of each patch (AGRAMPLIFIER).

  Every layer's kernel, as a matrix [inputs, outputs], goes through a max filter
  of k x k patches, stride k. The rule inside scores clients by the amplified
  updates; its result is made of the original ones. It works around

  * rules that select rows (krum, multi_krum, densities, gas, dnc, ...): rows
    are selected by their amplified forms;
  * bulyan: step 1 is amplified, step 2 works on the original rows;
  * error_rate_, loss_ and union_rejection: models are evaluated with amplified
    updates of restored size, the rule inside gets the original ones;
  * fltrust: cosines are amplified, norms are the original ones.

  The filter sees the largest entry and not the largest magnitude: a shift of
  all weights downward leaves few traces in a patch's maximum, and attackers
  that shift so (`alie` with `space: update`) are hardly told from others; one
  upward shows. Nor does it see a sign: maxima of 3x3 patches of normal entries
  have a mean of 1.49 and a variance of 0.36, of an update as of its reverse, so
  that the cosine of unrelated updates becomes 0.86 (0 before), that of opposite
  ones 0.85 (-1 before). This is the paper's filter, not a fault of the rule.

  Args:
    rule: the rule inside.
    kernel_size: k, at most the longer side of every layer's kernel; default 2
      for prediction and trust rules, 3 for others, as in the authors' tables.
    bias_mode: biases and other weights of rank 1 are left out ('drop'), taken
      as they are ('keep') or pooled over runs of k ('pool'); default 'keep'
      where the size is restored, else 'drop'.
    restore_size: whether maxima stay at their places and the rest becomes 0;
      default only where the rule evaluates models, which needs it.
    replication: 'none' follows the paper; 'agramplifier_code' lays one matrix
      over the whole vector, as the authors' code does (`FlatMaxFilter`). Their
      other deviations are options of the rules inside.

  Raises:
    ValueError: an option is out of its range, the rule scores no clients, or,
      once the model is known, a patch is larger than a layer.

  References:
    Gong et al. AgrAmplifier: defending federated learning against poisoning
    attacks through local update amplification. IEEE TIFS 2024, Algorithms 1 to
    4.
  """
  rule = rule.unscreened or rule
  scored_by = _scored_by(rule)
  evaluates = 'validation' in rule.needs
  restores_size = evaluates if restore_size is None else restore_size
  if evaluates and not restores_size:
    raise ValueError(
      f'amplified: {rule.name} evaluates models, so it needs updates of their '
      'size; got restore_size=False. Leave it out.'
    )
  if kernel_size is None:
    kernel_size = 2 if rule.needs & {'validation', 'root'} else 3
  max_filter = _filter(kernel_size, bias_mode, restores_size, replication)

  def next_state(
    state: State,
    updates: tf.Tensor,
    weights: tf.Tensor,
    context: ServerContext,
  ) -> tuple[State, tf.Tensor, Measurements]:
    updates = require_clients(
      updates, name, rule.minimum_clients, rule.requirement
    )
    layout = context.layout
    if layout is None:
      raise ValueError(
        'amplified needs the `layout` of the model in the server context; got '
        'None. Call the rule inside a round, or fill in the context.'
      )
    view = lambda rows: max_filter(rows, layout)
    return scored_by(view)(state, updates, weights, context)

  name = f'amplified({rule.name}, {kernel_size=})'
  return Rule(
    name,
    next_state,
    initialize=rule.initialize,
    minimum_clients=rule.minimum_clients,
    requirement=rule.requirement,
    needs=rule.needs | {'layout'},
    has_shares=rule.has_shares,
    leaves_out_rows=rule.leaves_out_rows,
  )


def _filter(
  kernel_size: int,
  bias_mode: Optional[str],
  restores_size: bool,
  replication: str,
) -> Union[MaxFilter, FlatMaxFilter]:
  if kernel_size < 1:
    raise ValueError(
      f'amplified: kernel_size must be 1 or more; got {kernel_size}.'
    )
  if bias_mode not in (None, *BIAS_MODES):
    raise ValueError(
      f'amplified: bias_mode must be one of {", ".join(BIAS_MODES)}; got '
      f'{bias_mode!r}.'
    )
  if replication not in REPLICATIONS:
    raise ValueError(
      f'amplified: replication must be one of {", ".join(REPLICATIONS)}; got '
      f'{replication!r}.'
    )
  if replication == 'none':
    bias_mode = bias_mode or ('keep' if restores_size else 'drop')
    return MaxFilter(kernel_size, bias_mode, restores_size)
  if bias_mode is not None:
    raise ValueError(
      "amplified: replication='agramplifier_code' treats biases in its own "
      f'way; got bias_mode={bias_mode!r}. Leave it out.'
    )
  return FlatMaxFilter(kernel_size, restores_size)


def _scored_by(rule: Rule):
  """Returns `view -> next` of a rule, which most rules leave to others."""
  if rule.scored_by is not None:
    return rule.scored_by
  if not rule.selects_rows or rule.is_weighted_mean or not _is_stateless(rule):
    raise ValueError(
      'amplified takes a rule that scores clients (krum, bulyan, '
      'cosine_density, fltrust, loss_rejection, ...); '
      f'{rule.name} does not.'
    )

  def scored_by(view: View) -> Next:
    def next_state(
      state: State,
      updates: tf.Tensor,
      weights: tf.Tensor,
      context: ServerContext,
    ) -> tuple[State, tf.Tensor, Measurements]:
      state, _, measured = rule.next(state, view(updates), weights, context)
      update = selection.weighted_sum(measured['selected'], updates)
      return state, update, measured

    return next_state

  return scored_by


def _is_stateless(rule: Rule) -> bool:
  return rule.initialize(1) == ()
