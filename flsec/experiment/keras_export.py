"""Writes the model that a run has trained as a Keras model."""

import pathlib

import numpy as np
import tensorflow as tf

from flsec import models
from flsec.config import loading
from flsec.config.start import StartConfig
from flsec.experiment import keras_weights, model_record, starting
from flsec.experiment.run_directory import CONFIG, DONE
from flsec.models import starting_weights
from flsec.models.flat import FlatModel


def export_model(directory: pathlib.Path, path: pathlib.Path) -> str:
  """Writes the last model of a finished run.

  Args:
    directory: the run's folder.
    path: what is written; its ending says the format (`.keras`, `.h5`; none: a
      SavedModel).

  Returns:
    What the model takes, in words.

  Raises:
    ValueError: there is no finished run, or the ending says no format.
  """
  keras_weights.save(path, read_model(directory))
  record = model_record.read(directory)
  return (
    f'examples of shape {record["input_shape"]} as x * {record["scale"]:g} + '
    f'{record["shift"]:g}, to {record["num_classes"]} logits'
  )


def read_model(directory: pathlib.Path) -> tf.keras.Model:
  """Builds the last model of a finished run.

  Args:
    directory: the run's folder.

  Raises:
    ValueError: there is no finished run.
  """
  if not (directory / CONFIG).exists() or not (directory / DONE).exists():
    raise ValueError(f'{directory} is not the folder of a finished run.')
  experiment = loading.load(str(directory / CONFIG))
  record = model_record.read(directory)
  with starting_weights.drawing_from(experiment.seed):
    keras_model = models.build(
      experiment.model.name,
      input_shape=tuple(record['input_shape']),
      num_classes=record['num_classes'],
      **experiment.model.options,
    )
  flat = FlatModel(keras_model)
  start = starting.load(StartConfig(str(directory)), flat)
  tensors = flat.tensors(start.weights)
  keras_model.set_weights([np.asarray(tensor) for tensor in tensors])
  return keras_model
