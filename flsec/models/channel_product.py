"""The product behind a layer's channels, of some of them alone.

A network that has lost half of a layer's channels multiplies zeros for them
where a dense layer reads them, and that product is most of what lies behind the
last convolution. It is a sum over channels: where few are gone, theirs is taken
from the sum of all.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Optional

import tensorflow as tf

from flsec.models import keras_nodes
from flsec.models.channel_cut import ChannelCut

if TYPE_CHECKING:
  from flsec.models.flat import FlatModel


class ChannelProduct:
  """What lies above a cut, where one dense layer alone reads the channels."""

  def __init__(
    self,
    model: 'FlatModel',
    cut: ChannelCut,
    dense: keras_nodes.Node,
    between: Sequence[keras_nodes.Node],
  ) -> None:
    """Takes what `behind` has found."""
    self._model, self._cut, self._dense = model, cut, dense
    self._others = [
      node for node in cut.nodes_above if node not in (dense, *between)
    ]

  def below(self, weights: tf.Tensor, x: tf.Tensor) -> list[tf.Tensor]:
    """Returns what does not change with the channels that are left.

    Args:
      weights: float32 [d].
      x: float32 [b, ...], model inputs.

    Returns:
      The tensors at the cut, the channels as [b, C, positions], and the product
      of all channels, [b, units].
    """
    tensors = self._cut.below(weights, x)
    channels = tensors[self._cut.place]  # [b, ..., C].
    num_channels = channels.shape[-1]
    positions = channels.shape[1:-1].num_elements()
    stacked = tf.reshape(channels, [-1, positions, num_channels])
    channels = tf.transpose(stacked, [0, 2, 1])
    tensors[self._cut.place] = channels
    with self._model.placed(weights):
      return [*tensors, self._product(channels, tf.range(num_channels))]

  def above(
    self,
    weights: tf.Tensor,
    tensors: Sequence[tf.Tensor],
    some: tf.Tensor,
    *,
    are_gone: bool,
  ) -> tf.Tensor:
    """Returns the logits [b, num_classes] without some of the channels.

    Args:
      weights: float32 [d]; those below the cut are not read.
      tensors: as `below` returns them.
      some: int32 [k], k > 0, channels in rising order.
      are_gone: whether these are taken as zero, or all others.
    """
    *tensors, of_all = tensors
    values = dict(zip(self._cut.ids, tensors))
    channels = values.pop(self._cut.ids[self._cut.place])
    layer = self._dense.layer
    with self._model.placed(weights) as keras_model:
      sums = self._product(channels, some)
      sums = of_all - sums if are_gone else sums
      if layer.use_bias:
        sums = tf.nn.bias_add(sums, layer.bias)
      if layer.activation is not None:
        sums = layer.activation(sums)
      values[self._dense.flat_output_ids[0]] = sums
      values = keras_nodes.run(self._others, values)
      return tf.cast(values[keras_nodes.output_id(keras_model)], tf.float32)

  def _product(self, channels: tf.Tensor, some: tf.Tensor) -> tf.Tensor:
    """Returns the dense layer's product of some channels, [b, units]."""
    layer = self._dense.layer
    _, num_channels, positions = channels.shape
    entries = tf.size(some) * positions
    rows = tf.gather(channels, some, axis=1)
    rows = tf.reshape(rows, [tf.shape(channels)[0], entries])
    rows = tf.cast(rows, layer.compute_dtype)
    kernel = tf.reshape(layer.kernel, [positions, num_channels, layer.units])
    kernel = tf.gather(tf.transpose(kernel, [1, 0, 2]), some)
    return tf.matmul(rows, tf.reshape(kernel, [entries, layer.units]))


def behind(model: 'FlatModel', cut: ChannelCut) -> Optional[ChannelProduct]:
  """Returns the product behind a cut.

  Args:
    model: the flat model.
    cut: of it, behind a layer.

  Returns:
    None where there is no such product: something else than one dense layer, if
    need be behind a flattening, reads the channels.
  """
  nodes, between = cut.nodes_above, []
  reader = keras_nodes.only_reader(nodes, cut.ids[cut.place])
  if reader and type(reader.layer) is tf.keras.layers.Flatten:
    between = [reader]
    reader = keras_nodes.only_reader(nodes, reader.flat_output_ids[0])
  if not reader or type(reader.layer) is not tf.keras.layers.Dense:
    return None
  if len(reader.input_shapes) != 2:  # Positions stay apart.
    return None
  return ChannelProduct(model, cut, reader, between)
