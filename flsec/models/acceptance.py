"""Which Keras models can be run as a function of one weight vector.

What a model asks for and flsec would not do is refused, not left out.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from absl import logging

from flsec.models import layer_kinds, layer_weights, random_layers

# Frozen weights are constants of the graph, which may take 2 GB in all.
_MAX_FROZEN_MIB = 512


def check(model: Any) -> None:
  """Refuses a model that could not be honoured as it is.

  Raises:
    ValueError: naming the layer, what is wrong with it and the way out.
  """
  check_graph(model)
  _check_ends(model)
  for layer in model.layers:
    if layer.trainable_weights:
      layer_kinds.kind_of(layer)
    random_layers.check_random(layer)
    _check_options(layer)
    _check_weights(layer)
  _check_apart(model)
  _check_sizes(model)
  _check_losses(model)
  if getattr(model, 'optimizer', None) is not None:
    logging.warning(
      'Model %r is compiled; its optimizer and loss are not used: clients '
      'train with clients.optimizer on the cross-entropy.',
      model.name,
    )


def check_graph(model: Any) -> None:
  """Refuses a model whose layers or shapes are not all known.

  Raises:
    ValueError: no Keras model, a subclassed one, one without Input, or one
      with a model among its layers.
  """
  if not isinstance(model, tf.keras.Model):
    raise ValueError(
      f'Expected a tf.keras.Model; got {type(model).__name__}. A function '
      'under @registry.model returns the model it builds.'
    )
  is_graph = isinstance(model, tf.keras.Sequential) or getattr(
    model, '_is_graph_network', False
  )
  if not is_graph or not model.built or not model.inputs:
    raise ValueError(
      f'Model {model.name!r} ({type(model).__name__}) has no graph of layers; '
      'build it as tf.keras.Model(inputs, outputs), or as a Sequential that '
      'starts with an Input.'
    )
  for layer in model.layers:
    if isinstance(layer, tf.keras.Model):
      raise ValueError(
        f'Model {model.name!r} nests the model {layer.name!r}; flsec follows '
        'layers only. Call its layers one by one, or build on them: '
        'tf.keras.Model(base.input, head(base.output)).'
      )


def is_known(layer: tf.keras.layers.Layer) -> bool:
  """Tells whether a layer's class comes with Keras or flsec."""
  return type(layer).__module__.startswith(('keras.', 'flsec.'))


def _check_ends(model: tf.keras.Model) -> None:
  for what, tensors, shape in (
    ('input', model.inputs, model.input_shape),
    ('output', model.outputs, model.output_shape),
  ):
    if len(tensors) != 1 or isinstance(shape, dict):
      names = ', '.join(tensor.node.layer.name for tensor in tensors)
      form = ', in a dict' if isinstance(shape, dict) else ''
      raise ValueError(
        f'Model {model.name!r} has {len(tensors)} {what} tensors ({names}'
        f'{form}); flsec trains models of one input and one output tensor. '
        'Build it as tf.keras.Model(input, output).'
      )
  batch, *shape = model.inputs[0].shape
  kind = type(model.inputs[0]).__name__
  if batch is not None or None in shape or kind != 'KerasTensor':
    raise ValueError(
      f'Model {model.name!r} takes inputs of shape {(batch, *shape)} '
      f'({kind}); the shape of an example has to be fixed, the batch size '
      'free. Build it with tf.keras.Input(input_shape).'
    )
  if model.inputs[0].dtype != tf.float32:
    raise ValueError(
      f'Model {model.name!r} takes {model.inputs[0].dtype.name} inputs; flsec '
      'feeds float32, x * scale + shift of the data set. Leave the dtype of '
      'tf.keras.Input out, and set scale in the data set.'
    )


def _check_options(layer: tf.keras.layers.Layer) -> None:
  """Refuses options of a layer that flsec would not honour."""
  compute, stored = layer.compute_dtype, layer.variable_dtype
  if {compute, stored} - {'float32', None}:
    _refuse(
      layer,
      f'computes in {compute} on {stored} weights; flsec trains float32',
      'Leave its dtype out; runtime.mixed_precision: true is bfloat16',
    )
  if getattr(layer, 'data_format', None) == 'channels_first':
    _refuse(
      layer,
      'is channels_first; flsec follows channels along the last axis',
      'Use channels_last',
    )
  for inner in layer._flatten_layers():
    if getattr(inner, 'activity_regularizer', None) is not None:
      _refuse(
        layer,
        'has an activity_regularizer, which the loss would not count',
        'Use a kernel_regularizer, or leave it out',
      )


def _check_weights(layer: tf.keras.layers.Layer) -> None:
  for weight in layer.weights:
    if weight.dtype != tf.float32:
      _refuse(
        layer,
        f'keeps {weight.dtype.name} numbers ({weight.name}); flsec holds '
        'float32 weights only',
        'Compute what it does in the data set',
      )
  if not layer.weights:
    return
  trained = layer_weights.trained_attributes(layer)
  for attribute in trained:
    if getattr(layer, attribute).constraint is not None:
      _refuse(
        layer,
        f'has a constraint on its {attribute}, which no aggregated update '
        'would keep',
        'Leave it out, or use a regularizer',
      )
  is_norm = isinstance(layer, tf.keras.layers.BatchNormalization)
  if is_norm and trained and not is_known(layer):
    _refuse(
      layer,
      'normalises batches in a way of its own; flsec would run that of Keras',
      'Use tf.keras.layers.BatchNormalization',
    )


def _check_apart(model: tf.keras.Model) -> None:
  """Refuses weights that two layers share: each would train a copy."""
  owners: dict[int, str] = {}
  for layer in model.layers:
    for weight in layer.weights:
      owner = owners.setdefault(id(weight), layer.name)
      if owner != layer.name:
        _refuse(
          layer,
          f'shares the weight {weight.name} with layer {owner!r}; flsec would '
          'train them apart',
          'Give each layer weights of its own',
        )


def _check_sizes(model: tf.keras.Model) -> None:
  frozen = 0
  for layer in model.layers:
    if layer.weights:
      trained = layer_weights.trained_attributes(layer)
      held = layer_weights.weight_attributes(layer)
      still = [getattr(layer, name) for name in held if name not in trained]
      frozen += sum(4 * weight.shape.num_elements() for weight in still)
  if not any(map(layer_weights.is_trained, model.layers)):
    raise ValueError(
      f'Model {model.name!r} has no weights to train. Add a Dense or Conv '
      'layer, or set trainable=True.'
    )
  if frozen > _MAX_FROZEN_MIB * 2**20:
    raise ValueError(
      f'Model {model.name!r} has {frozen / 2**20:,.0f} MiB of frozen weights; '
      f'at most {_MAX_FROZEN_MIB} MiB fit into the graph. Run the frozen part '
      'once over the data set, and train the rest on what it puts out.'
    )


def regularizers(
  layer: tf.keras.layers.Layer,
) -> dict[str, list[Callable[[tf.Tensor], tf.Tensor]]]:
  """Returns what each weight's regularisers add to the loss, by attribute.

  Raises:
    ValueError: the layer adds a loss that is no function of one weight.
  """
  if not layer._callable_losses:
    return {}
  attributes = layer_weights.weight_attributes(layer)
  places = {id(w): name for w, name in zip(layer.weights, attributes)}
  found: dict[str, list[Callable[[tf.Tensor], tf.Tensor]]] = {}
  for loss in layer._callable_losses:
    # Keras: partial(tag, partial(function, variable)).
    inner = loss.args[0] if getattr(loss, 'args', ()) else None
    given = getattr(inner, 'args', ())
    if len(given) != 1 or id(given[0]) not in places:
      _refuse_loss(layer)
    found.setdefault(places[id(given[0])], []).append(inner.func)
  return found


def _check_losses(model: tf.keras.Model) -> None:
  for layer in model._flatten_layers():
    if layer._losses or layer._eager_losses:
      _refuse_loss(layer)
    if layer in model.layers:
      regularizers(layer)
    elif layer._callable_losses:
      _refuse_loss(layer)


def _refuse_loss(layer: tf.keras.layers.Layer) -> None:
  _refuse(
    layer,
    'adds a loss of its own (add_loss), which flsec would not count',
    'Write it as a regularizer of a weight, or leave it out',
  )


def _refuse(layer: tf.keras.layers.Layer, what: str, way_out: str) -> None:
  raise ValueError(
    f'Layer {layer.name!r} ({type(layer).__name__}) {what}. {way_out}.'
  )
