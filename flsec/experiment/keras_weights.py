"""The weights of Keras models that are kept in files, in and out."""

import itertools
import pathlib
import warnings

import numpy as np
import tensorflow as tf

from flsec.config.errors import ConfigError
from flsec.experiment import model_record
from flsec.models import layer_weights
from flsec.models.flat import FlatModel

_FILES = ('.keras', '.h5')
_SAVED_MODEL = 'saved_model.pb'
FORMATS = '`.keras`, `.h5`, or a folder for a SavedModel'


def check(path: str) -> None:
  """Checks that a path may be a Keras model, reading nothing of it.

  Raises:
    ConfigError: it is none.
  """
  file = pathlib.Path(path)
  if not file.exists():
    raise ConfigError('start_from.path', f'{path} does not exist.')
  is_model = (
    (file / _SAVED_MODEL).exists()
    if file.is_dir()
    else file.suffix.lower() in _FILES
  )
  if not is_model:
    raise ConfigError(
      'start_from.path',
      f'{path} is neither the folder of a run nor a Keras model ({FORMATS}).',
    )


def load(path: str, model: FlatModel) -> np.ndarray:
  """Reads the weights of a Keras model with the same layers.

  Those of a chain (`tf.keras.Sequential`) may have other names: their order
  tells which is which.

  Args:
    path: what `check` has found good.
    model: whose weights they shall be.

  Returns:
    float32 [d].

  Raises:
    ValueError: it cannot be read, or has other layers.
  """
  try:
    found = tf.keras.models.load_model(path, compile=False)
  except Exception as error:  # A reader of foreign bytes may raise any.
    first = (str(error).splitlines() or [''])[0][:200]
    raise ValueError(
      f'{path} cannot be read as a Keras model: {type(error).__name__}: {first}'
    ) from error
  weighted = [layer for layer in found.layers if layer.weights]
  names = [
    (layer.name, attribute, tuple(getattr(layer, attribute).shape))
    for layer in weighted
    for attribute in layer_weights.weight_attributes(layer)
  ]
  wanted = model.weight_names()
  if isinstance(found, tf.keras.Sequential):
    names = [
      (other[0], *one[1:]) if one[1:] == other[1:] else one
      for one, other in itertools.zip_longest(names, wanted, fillvalue=())
      if one
    ]
  model_record.check_same(path, names, wanted)
  values = [weight for layer in weighted for weight in layer.get_weights()]
  whole = np.concatenate([np.ravel(value) for value in values])
  return model.trained(whole.astype(np.float32))


def save(path: pathlib.Path, keras_model: tf.keras.Model) -> None:
  """Writes a Keras model in the format that a path's ending asks for.

  Raises:
    ValueError: an ending that says nothing.
  """
  suffix = path.suffix.lower()
  if suffix and suffix not in _FILES:
    raise ValueError(
      f'{path} says no format; a Keras model is written as {FORMATS}.'
    )
  path.parent.mkdir(parents=True, exist_ok=True)
  options = {} if suffix else {'save_format': 'tf'}
  # Beside it first: a reader never sees half a file.
  partial = path.with_name(f'.partial-{path.name}')
  with warnings.catch_warnings():
    # Of the format that was asked for.
    warnings.filterwarnings('ignore', message='.*file format is considered')
    keras_model.save(partial, **options)
  partial.replace(path)
