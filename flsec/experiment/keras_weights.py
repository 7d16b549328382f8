"""The weights of Keras models that are kept in files, in and out."""

import pathlib
import warnings

import numpy as np
import tensorflow as tf

from flsec.config.errors import ConfigError
from flsec.experiment import keras_files, model_record
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

  Those of a chain (`tf.keras.Sequential`) and of a SavedModel may have other
  names: their order tells which is which. No code of the file is run.

  Args:
    path: what `check` has found good.
    model: whose weights they shall be.

  Returns:
    float32 [d].

  Raises:
    ValueError: it cannot be read, or has other layers.
  """
  wanted = model.weight_names()
  try:
    with keras_files.opened(pathlib.Path(path), wanted) as stored:
      names = [
        (one.layer or other[0], one.attribute or other[1], one.shape)
        for one, other in zip(stored, [*wanted, *[('?', '?')] * len(stored)])
      ]
      model_record.check_same(path, names, wanted)
      values = [np.ravel(one.read()) for one in stored]
    whole = np.concatenate(values).astype(np.float32)
  except model_record.OtherModelError:
    raise
  except Exception as error:  # A reader of foreign bytes may raise any.
    first = (str(error).splitlines() or [''])[0][:200]
    raise ValueError(
      f'{path} cannot be read as a Keras model: {type(error).__name__}: {first}'
    ) from error
  return model.trained(whole)


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
