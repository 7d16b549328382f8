"""Reads a `Layout` off a Keras model's layer graph, never off layer names."""

import dataclasses

import numpy as np
import tensorflow as tf

from flsec.models import acceptance, activations, random_layers
from flsec.models import layout as layout_lib
from flsec.models.layer_kinds import is_norm, kind_of
from flsec.models.layer_weights import (
  is_frozen,
  is_trained,
  trained_attributes,
)

_ADDITIONS = (tf.keras.layers.Add, tf.keras.layers.Subtract)
_RESHAPES = (tf.keras.layers.Flatten, tf.keras.layers.Reshape)
# They put some numbers elsewhere, or leave some out.
_MOVES = (
  tf.keras.layers.Permute,
  tf.keras.layers.RepeatVector,
  tf.keras.layers.CenterCrop,
  tf.keras.layers.Cropping1D,
  tf.keras.layers.Cropping2D,
)
POOLING = (
  tf.keras.layers.MaxPooling1D,
  tf.keras.layers.MaxPooling2D,
  tf.keras.layers.AveragePooling1D,
  tf.keras.layers.AveragePooling2D,
  tf.keras.layers.GlobalAveragePooling1D,
  tf.keras.layers.GlobalAveragePooling2D,
  tf.keras.layers.GlobalMaxPooling1D,
  tf.keras.layers.GlobalMaxPooling2D,
)
# One output channel an input channel, in the same order.
_CHANNEL_WISE = (
  tf.keras.layers.Activation,
  tf.keras.layers.Identity,
  *random_layers.KERAS_LAYERS,
  random_layers.RandomLayer,
  tf.keras.layers.InputLayer,
  tf.keras.layers.ReLU,
  tf.keras.layers.Softmax,
  *POOLING,
  tf.keras.layers.UpSampling2D,
  tf.keras.layers.ZeroPadding2D,
)


@dataclasses.dataclass(frozen=True)
class _Signal:
  """What a Keras tensor carries: whose units, after which activation."""

  sources: tuple[str, ...] = ()
  activation: str = 'linear'
  positions: int = 1


def build_layout(model: tf.keras.Model) -> layout_lib.Layout:
  """Builds the layout of a functional Keras model.

  Args:
    model: a functional or sequential model, without nested models.

  Returns:
    The layout; its vector holds the trained weights of `model.layers` in Keras
    order.

  Raises:
    ValueError: a model that is not built, or a layer whose units cannot be
      followed (nested models, layers used twice, merging layers but Add).
  """
  acceptance.check_graph(model)
  spans, size = _spans(model)
  signals = _signals(model)
  trained = [layer for layer in model.layers if is_trained(layer)]
  kinds = {layer.name: kind_of(layer) for layer in trained}
  readers = {layer.name: _read_by(layer, signals, model) for layer in trained}
  output = _output_layer(model, signals)
  tied = _tied_groups(model, signals)

  def reading(name: str, *, norms: bool) -> list[str]:
    return [
      other
      for other, signal in readers.items()
      if (kinds[other] == 'norm') == norms and name in signal.sources
    ]

  def describe(layer: tf.keras.layers.Layer) -> layout_lib.Layer:
    name = layer.name
    consumers = reading(name, norms=False)
    read = readers[consumers[0]] if consumers else signals[output]
    own = spans[name]
    widest = own.get('kernel', next(iter(own.values())))
    return layout_lib.Layer(
      name=name,
      kind=kinds[name],
      spans=own,
      units=int(widest.shape[-1]),
      activation=read.activation if kinds[name] != 'norm' else 'linear',
      consumers=tuple(consumers),
      norms=tuple(reading(name, norms=True)),
      positions=max((readers[o].positions for o in consumers), default=1),
      tied=tied.get(name, ()),
    )

  return layout_lib.Layout(
    layers=tuple(describe(layer) for layer in trained),
    size=size,
    output=signals[output].sources[0],
    frozen=tuple(layer.name for layer in model.layers if is_frozen(layer)),
    preprocessing=tuple(
      layer.name
      for layer in model.layers
      if not signals[layer.name].sources and _changes_numbers(layer)
    ),
  )


def _spans(
  model: tf.keras.Model,
) -> tuple[dict[str, dict[str, layout_lib.Span]], int]:
  spans: dict[str, dict[str, layout_lib.Span]] = {}
  start = 0
  for layer in model.layers:
    for attribute in trained_attributes(layer):
      shape = tuple(getattr(layer, attribute).shape)
      span = layout_lib.Span(start, shape)
      spans.setdefault(layer.name, {})[attribute] = span
      start = span.stop
  return spans, start


def _inputs(
  layer: tf.keras.layers.Layer, model: tf.keras.Model
) -> list[tf.keras.layers.Layer]:
  """Returns the layers whose outputs a layer reads, within this model."""
  if isinstance(layer, tf.keras.layers.InputLayer):
    return []
  own = {id(other) for other in model.layers}
  nodes = []
  for node in layer.inbound_nodes:
    inbound = node.inbound_layers
    inbound = inbound if isinstance(inbound, list) else [inbound]
    found = [other for other in inbound if id(other) in own]
    # A Sequential hides its Input; a layer may serve in another model, too.
    if len(found) == len(inbound) or isinstance(model, tf.keras.Sequential):
      nodes.append(found)
  if len(nodes) != 1:
    raise ValueError(
      f'Layer {layer.name!r} is used {len(nodes)} times; flsec follows the '
      'units of layers used once. Make a layer for each use.'
    )
  return nodes[0]


def _read_by(
  layer: tf.keras.layers.Layer,
  signals: dict[str, _Signal],
  model: tf.keras.Model,
) -> _Signal:
  inputs = _inputs(layer, model)
  return signals[inputs[0].name] if inputs else _Signal()


def _signals(model: tf.keras.Model) -> dict[str, _Signal]:
  """Follows units through the graph: layer name -> what it puts out."""
  signals: dict[str, _Signal] = {}
  trained = {layer.name for layer in model.layers if is_trained(layer)}
  for layer in model.layers:
    inputs = _inputs(layer, model)
    if any(other.name not in signals for other in inputs):
      raise ValueError(f'Layer {layer.name!r} is read before it is computed.')
    read = [signals[other.name] for other in inputs]
    signals[layer.name] = _put_out(layer, read, trained)
  return signals


def _put_out(
  layer: tf.keras.layers.Layer, read: list[_Signal], trained: set[str]
) -> _Signal:
  activation = activations.name_of(layer)
  sources = tuple(dict.fromkeys(s for signal in read for s in signal.sources))
  if is_frozen(layer) and is_norm(layer):
    return _Signal(sources, positions=read[0].positions if read else 1)
  if is_frozen(layer) or (layer.name in trained and kind_of(layer) != 'norm'):
    return _Signal((layer.name,), activation or 'linear')
  if isinstance(layer, _ADDITIONS):
    return _Signal(sources, 'linear', read[0].positions)
  if not trained.intersection(sources):
    # Nothing that is trained, and pruned, comes this way.
    return _Signal(sources, activation or 'linear')
  if len(read) > 1:
    raise ValueError(
      f'Layer {layer.name!r} ({type(layer).__name__}) merges several tensors; '
      'flsec follows units through Add only.'
    )
  signal = read[0]
  if activation:
    signal = dataclasses.replace(signal, activation=activation)
  if isinstance(layer, _CHANNEL_WISE) or layer.weights:
    return signal
  if isinstance(layer, _RESHAPES):
    before, after = layer.input_shape[1:], layer.output_shape[1:]
    if before == after or (after[-1:] == before[-1:] and len(after) > 1):
      return signal
    if len(after) == 1:
      positions = int(np.prod(before[:-1], dtype=np.int64)) * signal.positions
      return dataclasses.replace(signal, positions=positions)
  raise ValueError(
    f'Layer {layer.name!r} ({type(layer).__name__}) is none that flsec can '
    'follow units through; use one of '
    f'{", ".join(k.__name__ for k in _CHANNEL_WISE if _is_public(k))}, Flatten '
    'or Add.'
  )


def _is_public(kind: type) -> bool:
  return hasattr(tf.keras.layers, kind.__name__)


def _changes_numbers(layer: tf.keras.layers.Layer) -> bool:
  """Tells whether a layer without weights puts out other numbers, in use."""
  moves = isinstance(layer, (*_CHANNEL_WISE, *_RESHAPES, *_MOVES))
  return not moves or activations.name_of(layer) is not None


def _output_layer(model: tf.keras.Model, signals: dict[str, _Signal]) -> str:
  name = model.output_names[0]
  if len(model.output_names) != 1 or len(signals[name].sources) != 1:
    raise ValueError(
      f'Model {model.name!r} must end in one Dense or Conv layer; its outputs '
      f'come from {list(signals[name].sources)} of {model.output_names}.'
    )
  for layer in model.layers:
    if signals[layer.name].sources == signals[name].sources:
      activations.check_logits(layer)
  return name


def _tied_groups(
  model: tf.keras.Model, signals: dict[str, _Signal]
) -> dict[str, tuple[str, ...]]:
  """Joins layers whose units meet in an addition: name -> its whole group."""
  groups: dict[str, set[str]] = {}
  for layer in model.layers:
    if not isinstance(layer, _ADDITIONS):
      continue
    joined = set(signals[layer.name].sources)
    for name in list(joined):
      joined |= groups.get(name, set())
    for name in joined:
      groups[name] = joined
  order = {layer.name: index for index, layer in enumerate(model.layers)}
  return {n: tuple(sorted(g, key=order.get)) for n, g in groups.items()}
