"""Which entries of the weight vector make up a unit."""

from collections.abc import Mapping

import tensorflow as tf

from flsec.models.layout import Layer, Layout, Span
from flsec.pruning.vector import read, spread


def apply_mask(weights: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
  """Zeroes the entries of weights [d] where mask bool [d] is True."""
  return tf.where(mask, tf.zeros_like(weights), weights)


def own_spans(layout: Layout, layer: Layer) -> list[Span]:
  """Returns what makes a unit speak: kernel, bias, and the norms behind it.

  A norm that has no gamma would still answer a zero input with its moving mean,
  so that this counts too.
  """
  spans = [layer.kernel]
  if layer.bias is not None:
    spans.append(layer.bias)
  for name in layer.norms:
    norm = layout[name].spans
    keys = ['gamma', 'beta'] if 'gamma' in norm else ['beta', 'moving_mean']
    spans += [norm[key] for key in keys if key in norm]
  return spans


def outgoing_span(layout: Layout, layer: Layer) -> Span:
  """Returns the kernel of a dense layer's only consumer."""
  return layout[layer.consumers[0]].kernel


def is_alive(
  weights: tf.Tensor, layout: Layout, layer: Layer, *, outgoing: bool
) -> tf.Tensor:
  """Tells which units are not dead, bool [units].

  A unit is dead where all that makes it speak is zero, or, with `outgoing`,
  where its consumer does not listen.
  """
  speaks = tf.zeros([layer.units], tf.bool)
  for span in own_spans(layout, layer):
    parameter = read(weights, span)
    speaks |= _any(tf.not_equal(parameter, 0.0), parameter.shape.rank - 1)
  if not outgoing:
    return speaks
  rows = read(weights, outgoing_span(layout, layer))
  return tf.logical_and(speaks, tf.reduce_any(tf.not_equal(rows, 0.0), axis=1))


def unit_mask(
  layout: Layout,
  own: Mapping[str, tf.Tensor],
  outgoing: Mapping[str, tf.Tensor],
) -> tf.Tensor:
  """Marks the entries of the vector that belong to given units.

  Args:
    layout: of the model.
    own: layer name -> bool [units], the units whose kernel column, bias and
      normalisation parameters are marked.
    outgoing: layer name -> bool [units], the units whose rows in the consumer's
      kernel are marked.

  Returns:
    bool [d].
  """
  pieces: dict[Span, tf.Tensor] = {}

  def mark(span: Span, entries: tf.Tensor) -> None:
    entries = tf.broadcast_to(entries, span.shape)
    # One kernel loses columns to its own layer and rows to the one before.
    pieces[span] = (
      tf.logical_or(pieces[span], entries) if (span in pieces) else entries
    )

  for name, units in own.items():
    for span in own_spans(layout, layout[name]):
      mark(span, units)
  for name, units in outgoing.items():
    mark(outgoing_span(layout, layout[name]), units[:, None])
  return spread(layout, pieces, tf.bool)


def _any(entries: tf.Tensor, axes: int) -> tf.Tensor:
  return tf.reduce_any(entries, axis=list(range(axes)))
