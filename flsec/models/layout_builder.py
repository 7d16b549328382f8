"""Reads a `Layout` off a Keras model's layer graph, never off layer names."""

import dataclasses
from typing import Optional

import numpy as np
import tensorflow as tf

from flsec.models import functional_layers
from flsec.models import layout as layout_lib

_KINDS = (
  ('dense', tf.keras.layers.Dense),
  ('conv', (tf.keras.layers.Conv1D, tf.keras.layers.Conv2D)),
  (
    'norm',
    (
      tf.keras.layers.BatchNormalization,
      tf.keras.layers.GroupNormalization,
      tf.keras.layers.LayerNormalization,
    ),
  ),
)
# They are convolutions to Keras, but their kernels are laid out otherwise.
_TRANSPOSED = (
  tf.keras.layers.Conv1DTranspose,
  tf.keras.layers.Conv2DTranspose,
)
_ADDITIONS = (tf.keras.layers.Add, tf.keras.layers.Subtract)
# One output channel an input channel, in the same order.
_CHANNEL_WISE = (
  tf.keras.layers.Activation,
  tf.keras.layers.Dropout,
  functional_layers.Dropout,
  tf.keras.layers.InputLayer,
  tf.keras.layers.ReLU,
  tf.keras.layers.Softmax,
  tf.keras.layers.MaxPooling1D,
  tf.keras.layers.MaxPooling2D,
  tf.keras.layers.AveragePooling1D,
  tf.keras.layers.AveragePooling2D,
  tf.keras.layers.GlobalAveragePooling1D,
  tf.keras.layers.GlobalAveragePooling2D,
  tf.keras.layers.GlobalMaxPooling1D,
  tf.keras.layers.GlobalMaxPooling2D,
  tf.keras.layers.UpSampling2D,
  tf.keras.layers.ZeroPadding2D,
)


@dataclasses.dataclass(frozen=True)
class _Signal:
  """What a Keras tensor carries: whose units, after which activation."""

  sources: tuple[str, ...] = ()
  activation: str = 'linear'
  positions: int = 1


def weight_attributes(layer: tf.keras.layers.Layer) -> list[str]:
  """Returns the attribute that holds each of `layer.weights`, in that order."""
  attributes = []
  for weight in layer.weights:
    held = [name for name, value in vars(layer).items() if value is weight]
    if not held:
      raise ValueError(
        f'Layer {layer.name!r} ({type(layer).__name__}) keeps the weight '
        f'{weight.name!r} in no attribute of its own; write the layer so that '
        'each weight is an attribute (self.kernel = self.add_weight(...)).'
      )
    attributes.append(held[0])
  return attributes


def build_layout(model: tf.keras.Model) -> layout_lib.Layout:
  """Builds the layout of a functional Keras model.

  Args:
    model: a functional or sequential model, without nested models.

  Returns:
    The layout; its vector holds `model.layers`' weights in Keras order.

  Raises:
    ValueError: a model that is not built, or a layer whose units cannot be
      followed (nested models, layers used twice, merging layers but Add).
  """
  check_functional(model)
  spans, size = _spans(model)
  signals = _signals(model)
  weighted = [layer for layer in model.layers if layer.weights]
  readers = {layer.name: _read_by(layer, signals, model) for layer in weighted}
  output = _output_layer(model, signals)
  tied = _tied_groups(model, signals)
  layers = []
  for layer in weighted:
    name = layer.name
    consumers = [
      other
      for other in weighted
      if kind_of(other) != 'norm' and name in readers[other.name].sources
    ]
    norms = [
      other.name
      for other in weighted
      if kind_of(other) == 'norm' and name in readers[other.name].sources
    ]
    read = readers[consumers[0].name] if consumers else signals[output]
    layers.append(
      layout_lib.Layer(
        name=name,
        kind=kind_of(layer),
        spans=spans[name],
        units=int(next(iter(spans[name].values())).shape[-1]),
        activation=read.activation if kind_of(layer) != 'norm' else 'linear',
        consumers=tuple(other.name for other in consumers),
        norms=tuple(norms),
        positions=max(readers[o.name].positions for o in consumers)
        if consumers
        else 1,
        tied=tied.get(name, ()),
      )
    )
  return layout_lib.Layout(
    layers=tuple(layers), size=size, output=signals[output].sources[0]
  )


def check_functional(model: tf.keras.Model) -> None:
  """Refuses a model whose layers or shapes are not all known.

  Raises:
    ValueError: a subclassed model, one without Input, or one with a model
      among its layers.
  """
  is_graph = isinstance(model, tf.keras.Sequential) or getattr(
    model, '_is_graph_network', False
  )
  if not is_graph or not model.built:
    raise ValueError(
      f'Model {model.name!r} ({type(model).__name__}) has no graph of layers; '
      'build it as tf.keras.Model(inputs, outputs), or as a Sequential that '
      'starts with an Input.'
    )
  for layer in model.layers:
    if isinstance(layer, tf.keras.Model):
      raise ValueError(
        f'Model {model.name!r} nests the model {layer.name!r}; flsec follows '
        'layers only. Call its layers one by one.'
      )


def kind_of(layer: tf.keras.layers.Layer) -> str:
  """Returns 'dense', 'conv' or 'norm'.

  Raises:
    ValueError: any other layer with weights.
  """
  for kind, types in _KINDS:
    if isinstance(layer, types) and _has_plain_kernel(layer):
      return kind
  raise ValueError(
    f'Layer {layer.name!r} has weights but is a {type(layer).__name__}; flsec '
    'follows Dense, Conv1D, Conv2D (without groups) and normalisation layers.'
  )


def _has_plain_kernel(layer: tf.keras.layers.Layer) -> bool:
  """Tells whether every unit reads every channel, in Keras' usual layout."""
  is_grouped = layer.get_config().get('groups', 1) != 1
  is_norm = isinstance(layer, tf.keras.layers.GroupNormalization)
  return not isinstance(layer, _TRANSPOSED) and (is_norm or not is_grouped)


def _spans(
  model: tf.keras.Model,
) -> tuple[dict[str, dict[str, layout_lib.Span]], int]:
  spans: dict[str, dict[str, layout_lib.Span]] = {}
  start = 0
  for layer in model.layers:
    for attribute, weight in zip(weight_attributes(layer), layer.weights):
      span = layout_lib.Span(start, tuple(weight.shape))
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
  for layer in model.layers:
    inputs = _inputs(layer, model)
    if any(other.name not in signals for other in inputs):
      raise ValueError(f'Layer {layer.name!r} is read before it is computed.')
    read = [signals[other.name] for other in inputs]
    signals[layer.name] = _put_out(layer, inputs, read)
  return signals


def _put_out(
  layer: tf.keras.layers.Layer,
  inputs: list[tf.keras.layers.Layer],
  read: list[_Signal],
) -> _Signal:
  activation = _activation(layer)
  if layer.weights and kind_of(layer) != 'norm':
    return _Signal((layer.name,), activation or 'linear')
  if isinstance(layer, _ADDITIONS):
    sources = tuple(dict.fromkeys(s for signal in read for s in signal.sources))
    return _Signal(sources, 'linear', read[0].positions)
  if len(read) > 1:
    raise ValueError(
      f'Layer {layer.name!r} ({type(layer).__name__}) merges several tensors; '
      'flsec follows units through Add only.'
    )
  signal = read[0] if read else _Signal()
  if activation:
    signal = dataclasses.replace(signal, activation=activation)
  if isinstance(layer, tf.keras.layers.Flatten):
    shape = inputs[0].output_shape
    shape = shape[0] if isinstance(shape, list) else shape
    positions = int(np.prod(shape[1:-1], dtype=np.int64)) * signal.positions
    return dataclasses.replace(signal, positions=positions)
  if isinstance(layer, _CHANNEL_WISE) or layer.weights or not signal.sources:
    return signal
  raise ValueError(
    f'Layer {layer.name!r} ({type(layer).__name__}) is none that flsec can '
    'follow units through; use one of '
    f'{", ".join(kind.__name__ for kind in _CHANNEL_WISE)}, Flatten or Add.'
  )


def _activation(layer: tf.keras.layers.Layer) -> Optional[str]:
  """Returns the name of the activation a layer applies, None if none."""
  if isinstance(layer, tf.keras.layers.ReLU):
    return 'relu'
  if isinstance(layer, tf.keras.layers.Softmax):
    return 'softmax'
  function = getattr(layer, 'activation', None)
  name = tf.keras.activations.serialize(function) if function else 'linear'
  return None if name == 'linear' else str(name)


def _output_layer(model: tf.keras.Model, signals: dict[str, _Signal]) -> str:
  name = model.output_names[0]
  if len(model.output_names) != 1 or len(signals[name].sources) != 1:
    raise ValueError(
      f'Model {model.name!r} must end in one Dense or Conv layer; its outputs '
      f'come from {list(signals[name].sources)} of {model.output_names}.'
    )
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
