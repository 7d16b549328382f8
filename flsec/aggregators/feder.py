"""FedER: pruned updates, scored where the server's own pruned update has them.

Pruning lives in the rule and not in the clients' work: what every client does
to what it sends comes after the adversary has written its rows, or attackers
would escape it.
"""

import dataclasses
from typing import Literal, Optional

import tensorflow as tf

from flsec import registry
from flsec.aggregators.fltrust import root_update
from flsec.aggregators.masked_scores import Scores, masked_scores, masked_sum
from flsec.aggregators.rule import Measurements, Rule, ServerContext, State
from flsec.aggregators.server_examples import server_examples
from flsec.numerics import columns

_FACTORS = ('n1', 'n2', 'n3')
# 0.07 of 100 clients is seven of them, and 7.000000000000001 in floating point.
_ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True)
class _Options:
  """The options of `feder`."""

  max_fraction: float
  fraction: Optional[float]
  min_benign_fraction: float
  factors: tuple[str, ...]
  is_additive: bool


@registry.aggregator('feder', paper='Jiang et al., 2023 (FedER)')
def feder(
  *,
  max_fraction: float = 0.9,
  fraction: Optional[float] = None,
  min_benign_fraction: float = 0.05,
  factors: tuple[str, ...] = ('n1', 'n2', 'n3'),
  mask: Literal['mutual', 'additive'] = 'mutual',
) -> Rule:
  """Prunes every update, and weights what overlaps with the server's own.

  A share p of the entries of each row x_i, and of the server's own update g
  (as in fltrust), is pruned: k = max(1, round((1 - p) d)) of largest magnitude
  are left, chosen over the whole vector; of equal ones by an order drawn each
  round, the same for all rows, since a server cannot know who attacks.
  p is the model's accuracy on the validation examples, at most Gamma, or fixed.
  With the masks m_i and m_s that this leaves, and m = m_i m_s,

    C_i = <g m, x_i m> / (||g m|| ||x_i m||),
    result = sum_i relu(C_i) n_i (x_i m) / sum_i relu(C_i),
    n_i = max(n1, n2, n3),
    n1 = ||g m_s|| / ||x_i m||,
    n2 = sqrt(1 - p) A / ||x_i m||, A the mean over all rounds so far, this one
         included, of ||g m_s|| / sqrt(1 - p),
    n3 = s / a_i, a_i the mean magnitude of x_i over the entries of m, and s the
         ceil(epsilon n)-th smallest of the a_i.

  A row of which the mask leaves nothing has C_i = 0 and no part in s; rows with
  C_i <= 0 have. Where no client has a positive cosine the result is the zero
  update, and `no_trust` is 1. Unweighted. With `additive`, m is the union of
  both masks in every equation, and what a client has pruned is 0 in it.

  Measures per client `selected`, the shares relu(C_i) / sum_j relu(C_j),
  `trust`, relu(C_i), and `sent_entries`, how many of the k entries are not
  zero; and `keep_fraction` 1 - p, `received_entries` (of the result),
  `root_norm` ||g||, `scale` s, `num_trusted` and `num_empty` clients.

  Args:
    max_fraction: Gamma, in (0, 1): p never exceeds it.
    fraction: p, in (0, 1), the same in every round, with no validation
      examples; None: from the model's accuracy.
    min_benign_fraction: epsilon, in (0, 1]: so many clients are taken to be
      benign.
    factors: which of n1, n2 and n3 count, one or more.
    mask: `mutual`, or `additive`, which the paper finds less robust.

  Returns:
    A rule that needs root examples and, unless p is fixed, validation ones.

  Raises:
    ValueError: an option is out of its range.

  References:
    Jiang, Cao, Chen, Gong. FedER: communication-efficient Byzantine-robust
    federated learning. 2023, Equations 1 to 6, Algorithms 1 and 2; appendix
    G.2 (additive mask) and G.3 (factors).
  """
  _check_share('max_fraction (Gamma)', max_fraction)
  if fraction is not None:
    _check_share('fraction (p)', fraction)
  if not 0 < min_benign_fraction <= 1:
    raise ValueError(
      'feder: min_benign_fraction (epsilon) must be above 0 and at most 1; got '
      f'{min_benign_fraction}.'
    )
  unknown = [name for name in factors if name not in _FACTORS]
  if unknown or not factors:
    raise ValueError(
      f'feder: factors must be one or more of {", ".join(_FACTORS)}; got '
      f'{list(factors)}.'
    )
  if mask not in ('mutual', 'additive'):
    raise ValueError(f'feder: mask must be mutual or additive; got {mask!r}.')
  options = _Options(
    max_fraction, fraction, min_benign_fraction, factors, mask == 'additive'
  )

  def next_state(
    state: State,
    updates: tf.Tensor,
    weights: tf.Tensor,
    context: ServerContext,
  ) -> tuple[State, tf.Tensor, Measurements]:
    del weights
    return _next(options, state, updates, context)

  pruned = f'{max_fraction=}' if fraction is None else f'{fraction=}'
  return Rule(
    f'feder({pruned}, {mask=}, factors={"+".join(factors)})',
    next_state,
    # Rounds so far, and the sum of the norms that n2 averages.
    initialize=lambda dimension: (
      tf.constant(0.0, tf.float64),
      tf.constant(0.0, tf.float64),
    ),
    needs=frozenset({'root', 'seed'})
    | (frozenset() if fraction else frozenset({'validation'})),
  )


def _check_share(name: str, value: float) -> None:
  if not 0 < value < 1:
    raise ValueError(f'feder: {name} must be above 0 and below 1; got {value}.')


def _next(
  options: _Options,
  state: State,
  updates: tf.Tensor,
  context: ServerContext,
) -> tuple[State, tf.Tensor, Measurements]:
  dimension = columns.num_columns(updates)
  root = tf.ensure_shape(root_update('feder', context), [dimension])
  kept = 1.0 - _pruned_fraction(options, context)  # 1 - p, float64.
  count = tf.maximum(tf.cast(tf.floor(kept * dimension + 0.5), tf.int32), 1)
  scores = masked_scores(
    updates, root, count, context.seed, is_additive=options.is_additive
  )
  rounds, total = state
  rounds += 1.0
  total += scores.root_norm / tf.sqrt(kept)
  scale = _scale(scores, options.min_benign_fraction)
  lengths = {
    'n1': scores.root_norm,
    'n2': tf.sqrt(kept) * total / rounds,
  }
  # n1 and n2 are these lengths over that of the row.
  found = [
    tf.math.divide_no_nan(lengths[name], scores.norms)
    if name in lengths
    else tf.math.divide_no_nan(scale, scores.means)
    for name in options.factors
  ]
  trust = tf.maximum(scores.cosines, 0.0)
  shares = tf.math.divide_no_nan(trust, tf.reduce_sum(trust))
  factor = tf.reduce_max(tf.stack(found), axis=0)
  update = masked_sum(shares * factor, updates, scores.masks)
  num_trusted = tf.math.count_nonzero(trust, dtype=tf.int32)
  return (
    (rounds, total),
    update,
    {
      'selected': tf.cast(shares, tf.float32),
      'trust': tf.cast(trust, tf.float32),
      'sent_entries': scores.sent_entries,
      'received_entries': tf.math.count_nonzero(update, dtype=tf.int32),
      'keep_fraction': kept,
      'root_norm': tf.norm(root),
      'scale': scale,
      'num_trusted': num_trusted,
      'num_empty': tf.math.count_nonzero(scores.norms <= 0, dtype=tf.int32),
      'no_trust': tf.cast(num_trusted < 1, tf.int32),
    },
  )


def _pruned_fraction(options: _Options, context: ServerContext) -> tf.Tensor:
  """Returns p, float64."""
  if options.fraction is not None:
    return tf.constant(options.fraction, tf.float64)
  x, y = server_examples('feder', context, 'validation')
  logits = context.model.logits(context.weights, context.model.inputs(x))
  answers = tf.argmax(logits, axis=1, output_type=tf.int32)
  is_right = tf.equal(answers, tf.cast(y, tf.int32))
  accuracy = tf.reduce_mean(tf.cast(is_right, tf.float64))
  return tf.minimum(accuracy, tf.constant(options.max_fraction, tf.float64))


def _scale(scores: Scores, min_benign_fraction: float) -> tf.Tensor:
  """Returns s, float64: the j-th smallest mean magnitude, 0 of no row."""
  has_mean = scores.norms > 0
  number = tf.reduce_sum(tf.cast(has_mean, tf.int32))
  rows = tf.cast(columns.num_rows(scores.norms), tf.float64)
  wanted = tf.math.ceil(min_benign_fraction * rows - _ROUNDING)
  place = tf.minimum(tf.maximum(tf.cast(wanted, tf.int32), 1), number) - 1
  ascending = tf.sort(tf.where(has_mean, scores.means, float('inf')))
  # No slice: XLA would want its bound when it compiles.
  found = tf.gather(ascending, tf.maximum(place, 0))
  return tf.where(number > 0, found, 0.0)
