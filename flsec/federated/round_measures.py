"""What is measured on the stack of updates in a round, besides the rule."""

from typing import Callable, Optional

import tensorflow as tf

from flsec.aggregators.rule import Rule
from flsec.config import schema
from flsec.metrics import escape

Measures = dict[str, tf.Tensor]
# (updates float32 [n, d], malicious bool [n], selected float32 [n]) -> scalars
Escape = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], Measures]


def build_escape(
  server: schema.ServerConfig, rule: Rule, num_participants: int
) -> Optional[Escape]:
  """Chooses how much of an attack escapes is measured for a rule.

  Args:
    server: the aggregator's name and options.
    rule: the rule built from it, without pre-aggregators.
    num_participants: clients in a round, n.

  Returns:
    The measurement of `flsec.metrics.escape` that is defined for the rule: by
    entry for trimmed_mean and median, by client and entry for bulyan, by client
    for other rules that select rows; None where none is defined.
  """
  options = server.aggregator.options
  if server.preaggregators:
    return None  # The rule's rows are not clients.
  if server.aggregator.name == 'trimmed_mean':
    cut = options.get('num_byzantine')
    if cut is None:
      cut = int(options['trim_fraction'] * num_participants)
    return lambda updates, malicious, selected: {
      'index': escape.trimmed_mean_escape(updates, malicious, cut)
    }
  if server.aggregator.name == 'median':
    return lambda updates, malicious, selected: {
      'index': escape.median_escape(updates, malicious)
    }
  if server.aggregator.name == 'bulyan':
    return lambda updates, malicious, selected: escape.bulyan_escape(
      updates, malicious, selected, options['num_byzantine']
    )._asdict()
  if rule.selects_rows:
    return lambda updates, malicious, selected: {
      'client': escape.client_escape(selected, malicious)
    }
  return None


def crafted_cosine(updates: tf.Tensor, malicious: tf.Tensor) -> tf.Tensor:
  """Returns the cosine between the mean malicious and the mean benign row.

  Args:
    updates: float32 [n, d], after the adversary.
    malicious: bool [n].

  Returns:
    float32 scalar; 0 where one of the two is zero or has no row.
  """
  groups = tf.cast(tf.stack([malicious, ~malicious]), tf.float32)
  shares = tf.math.divide_no_nan(
    groups, tf.reduce_sum(groups, axis=1, keepdims=True)
  )
  means = shares @ updates  # [2, d]
  return tf.math.divide_no_nan(
    tf.reduce_sum(means[0] * means[1]), tf.norm(means[0]) * tf.norm(means[1])
  )
