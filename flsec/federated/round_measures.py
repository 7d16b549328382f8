"""What is measured on the stack of updates in a round, besides the rule."""

from typing import Any, Callable, Optional, Union

import tensorflow as tf

from flsec.aggregators.rule import Rule
from flsec.aggregators.trimmed_mean import num_trimmed
from flsec.config import schema
from flsec.metrics import escape

Measures = dict[str, tf.Tensor]
# (updates float32 [n, d], malicious bool [n], selected float32 [n]) -> scalars
Escape = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], Measures]


def build_escape(server: schema.ServerConfig, rule: Rule) -> Optional[Escape]:
  """Chooses how much of an attack escapes is measured for a rule.

  Args:
    server: the aggregator's name and options.
    rule: the rule built from it, without pre-aggregators.

  Returns:
    The measurement of `flsec.metrics.escape` that is defined for the rule, in
    the variant that `replication` names: by entry for trimmed_mean, median and
    mean_around_median, by client and entry for bulyan, by client for other
    rules that leave out rows; None where none is defined.
  """
  if server.preaggregators:
    return None  # The rule's rows are not clients.
  name, options = _innermost(server.aggregator)
  if name == 'bulyan':
    return lambda updates, malicious, selected: escape.bulyan_escape(
      updates,
      malicious,
      selected,
      options['num_byzantine'],
      replication=options.get('replication', 'none'),
    )._asdict()
  by_entry = _entry_escape(name, options)
  if by_entry:
    return lambda updates, malicious, selected: {
      'index': by_entry(updates, malicious, selected)
    }
  if rule.leaves_out_rows:
    return lambda updates, malicious, selected: {
      'client': escape.client_escape(selected, malicious)
    }
  return None


def _innermost(aggregator: schema.Component) -> tuple[str, dict[str, Any]]:
  """Returns the rule that settles which entries of the selected rows count."""
  name, options = aggregator.name, aggregator.options
  while name == 'amplified':  # It changes scores, and neither rows nor entries.
    inner = options['rule']
    if isinstance(inner, str):
      inner = {'name': inner}
    options = dict(inner)
    name = options.pop('name')
  return name, options


def _entry_escape(
  name: str, options: dict[str, Any]
) -> Optional[Callable[..., tf.Tensor]]:
  f = options.get('num_byzantine')
  if name == 'trimmed_mean':
    share = options.get('trim_fraction')
    return lambda updates, malicious, selected: escape.trimmed_mean_escape(
      updates, malicious, _num_trimmed(selected, f, share), selected
    )
  if name == 'mean_around_median':
    return lambda updates, malicious, selected: (
      escape.mean_around_median_escape(updates, malicious, f, selected)
    )
  return escape.median_escape if name == 'median' else None


def _num_trimmed(
  selected: tf.Tensor, num_byzantine: Optional[int], share: Optional[float]
) -> Union[int, tf.Tensor]:
  rows = tf.math.count_nonzero(selected, dtype=tf.int32)
  return num_trimmed(rows, num_byzantine, share)


def drift_radius(server: schema.ServerConfig) -> Optional[float]:
  """Returns the radius of centered clipping whose drift is to be measured.

  Args:
    server: the rule; around it or before it nothing else may work on the rows.

  Returns:
    What `flsec.metrics.drift` takes; None: the drift is not measured.
  """
  rule = server.aggregator
  if server.preaggregators or rule.name != 'centered_clipping':
    return None
  return rule.options['radius']


def crafted_cosine(
  updates: tf.Tensor, malicious: tf.Tensor, takes_part: Optional[tf.Tensor]
) -> tf.Tensor:
  """Returns the cosine between the mean malicious and the mean benign row.

  Args:
    updates: float32 [n, d], after the adversary.
    malicious: bool [n].
    takes_part: bool [n], which rows the rule is given; others may not be
      finite, and are left out. None: all.

  Returns:
    float32 scalar; 0 where one of the two is zero or has no row.
  """
  counts = tf.ones_like(malicious) if takes_part is None else takes_part
  groups = tf.stack([malicious & counts, ~malicious & counts])
  groups = tf.cast(groups, tf.float32)
  shares = tf.math.divide_no_nan(
    groups, tf.reduce_sum(groups, axis=1, keepdims=True)
  )

  def of_some() -> tf.Tensor:
    rows = tf.where(takes_part)[:, 0]
    return tf.gather(shares, rows, axis=1) @ tf.gather(updates, rows)

  def of_all() -> tf.Tensor:
    return shares @ updates

  means = (
    of_all()
    if takes_part is None
    else tf.cond(tf.reduce_all(takes_part), of_all, of_some)
  )  # [2, d]
  return cosine(means[0], means[1])


def cosine(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
  """Returns the cosine between two vectors [d]; 0 where one is zero.

  In float64, where no square of theirs overflows or is lost.
  """
  one, other = tf.cast(one, tf.float64), tf.cast(other, tf.float64)
  product = tf.reduce_sum(one * other)
  found = tf.math.divide_no_nan(product, tf.norm(one) * tf.norm(other))
  return tf.cast(found, tf.float32)
