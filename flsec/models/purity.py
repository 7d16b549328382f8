"""Checks that a model with code of a user's own is a function of its weights.

Layers of Keras and of flsec are known to be. What others do is looked at: the
graph that they make, and whether it computes what the model does.
"""

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from flsec.models import acceptance, layer_weights

if TYPE_CHECKING:
  from flsec.models.flat import FlatModel

# They run Python, which no other process has, though they claim no state.
_PYTHON = ('PyFunc', 'PyFuncStateless', 'EagerPyFunc')
# Stateful by what they call, which is looked at, or by name alone.
_CALLS = ('StatefulPartitionedCall', 'If', 'While', 'Case', 'Assert')
_CODE = ('Lambda', 'TFOpLambda', 'SlicingOpLambda')
_EXAMPLES = 3
_TOLERANCE = 1e-3


def is_known(model: tf.keras.Model) -> bool:
  """Tells whether a model consists of nothing but layers of Keras."""
  return all(
    acceptance.is_known(layer)
    and type(layer).__name__ not in _CODE
    and _comes_with_keras(getattr(layer, 'activation', None))
    for layer in model.layers
  )


def check(flat: 'FlatModel', model: tf.keras.Model) -> None:
  """Refuses a model that draws, remembers, or computes something else.

  Args:
    flat: the model as a function of its weights.
    model: the Keras model that it was made of.

  Raises:
    ValueError: naming what was found and the way out.
  """
  for name, kind in _operations(_traced(flat, model.name)):
    if kind in _PYTHON or (kind not in _CALLS and _is_stateful(kind)):
      raise ValueError(
        f'Model {model.name!r} runs {kind} ({name}): it draws random numbers, '
        'keeps a state or calls Python, so that a run could not be repeated. '
        'Use layers and tf functions that depend on inputs and weights alone, '
        'and self.add_weight for weights.'
      )
  generator = np.random.default_rng(0)
  shape = [_EXAMPLES, *flat.input_shape]
  x = tf.constant(generator.uniform(size=shape).astype(np.float32))
  wanted = np.asarray(model(x, training=False), np.float64)
  found = np.asarray(flat.logits(_vector(model), x), np.float64)
  size = np.nanmax(np.abs(wanted), initial=1.0)
  if not np.allclose(found, wanted, 0, _TOLERANCE * size, equal_nan=True):
    raise ValueError(
      f'Model {model.name!r} computes something else when its weights come '
      'from outside: a layer keeps numbers that are no weight of its own. '
      'Compute them in call, or hold them by self.add_weight.'
    )


def _vector(model: tf.keras.Model) -> tf.Tensor:
  """Returns the trained weights as the model holds them, float32 [d]."""
  values = [
    tf.reshape(getattr(layer, attribute), [-1])
    for layer in model.layers
    if layer.weights
    for attribute in layer_weights.trained_attributes(layer)
  ]
  return tf.concat(values, axis=0)


def _traced(flat: 'FlatModel', name: str) -> tf.Graph:
  @tf.function(autograph=False)
  def run(weights: tf.Tensor, x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return flat.logits(weights, x, training=True, seed=seed)

  try:
    return run.get_concrete_function(
      tf.TensorSpec([flat.num_weights], tf.float32),
      tf.TensorSpec([None, *flat.input_shape], tf.float32),
      tf.TensorSpec([2], tf.int32),
    ).graph
  except Exception as error:
    first = (str(error).splitlines() or [''])[0]
    raise ValueError(
      f'Model {name!r} cannot be run on weights from outside '
      f'({type(error).__name__}: {first[:300]}). A layer of your own may read '
      'its weights, but not assign them, and takes tensors of any batch size.'
    ) from error


def _operations(graph: tf.Graph) -> Iterator[tuple[str, str]]:
  """Lists (name, kind) of all operations of a graph, its functions included."""
  definition = graph.as_graph_def()
  bodies = (body.node_def for body in definition.library.function)
  for node in itertools.chain(definition.node, *bodies):
    yield node.name, node.op


def _is_stateful(kind: str) -> bool:
  definition = op_def_registry.get(kind)
  return definition is not None and definition.is_stateful


def _comes_with_keras(function: object) -> bool:
  module = getattr(function, '__module__', None) or ''
  return function is None or module.startswith(('keras.', 'tensorflow.'))
