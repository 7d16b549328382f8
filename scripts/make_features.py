"""Writes what a trained Keras model makes of a data set, as one of its own.

    python scripts/make_features.py resnet56.keras cifar10 data/features.npz

A small network can then be trained on these features (`dataset: {name: npz,
file: features.npz}`), as AGRAMPLIFIER's paper does on CIFAR-10. The features
are what goes into the model's last layer, or what comes out of the layer that
`--layer` names. `flsec export` writes the model of a finished run.

A file of a Keras model may hold code; take it from nobody you do not trust.
"""

import argparse
import io
import pathlib
import sys
from collections.abc import Sequence
from typing import Optional

import numpy as np

from flsec import atomic_file, data

_BATCH = 500


def features(
  model: 'tf.keras.Model',  # noqa: F821
  x: np.ndarray,
  *,
  scale: float,
  shift: float,
) -> np.ndarray:
  """Returns what a model makes of examples as they are stored, float32 [M, f].

  Args:
    model: up to the layer of the features.
    x: the examples [M, ...].
    scale: the model's input is x * scale + shift.
    shift: see scale.
  """
  made = []
  for start in range(0, len(x), _BATCH):
    inputs = x[start : start + _BATCH].astype(np.float32) * scale + shift
    found = np.asarray(model(inputs, training=False), np.float32)
    made.append(found.reshape(len(found), -1))
  return np.concatenate(made)


def cut(
  model: 'tf.keras.Model',  # noqa: F821
  layer: Optional[str],
) -> 'tf.keras.Model':  # noqa: F821
  """Returns a model up to a layer.

  Args:
    model: the whole.
    layer: whose output the features are; None: what goes into the last one.

  Raises:
    ValueError: there is no such layer; names those there are.
  """
  import tensorflow as tf

  names = [one.name for one in model.layers]
  if layer is not None and layer not in names:
    raise ValueError(
      f'the model has no layer {layer!r}; it has {", ".join(names)}.'
    )
  wanted = (
    model.layers[-1].input if layer is None else model.get_layer(layer).output
  )
  return tf.keras.Model(model.inputs, wanted)


def make(
  model_file: str, dataset: str, data_dir: str, layer: Optional[str]
) -> dict[str, np.ndarray]:
  """Returns the arrays of the new data set.

  Raises:
    ValueError: the file or the layer is not there, or the model takes other
      examples than the data set has.
  """
  import tensorflow as tf

  given = data.load(dataset, data_dir)
  try:
    model = tf.keras.models.load_model(model_file, compile=False)
  except (OSError, ValueError) as error:
    first = str(error).splitlines()[0]
    raise ValueError(f'{model_file} is no Keras model: {first}') from error
  if tuple(model.input_shape[1:]) != given.input_shape:
    raise ValueError(
      f'{model_file} takes examples of shape {tuple(model.input_shape[1:])}; '
      f'those of {dataset} are {given.input_shape}.'
    )
  part = cut(model, layer)
  units = {'scale': given.scale, 'shift': given.shift}
  arrays = {
    'x_train': features(part, given.x_train, **units),
    'y_train': given.y_train,
    'x_test': features(part, given.x_test, **units),
    'y_test': given.y_test,
  }
  if given.writers is not None:
    arrays['writers'] = given.writers
  return arrays


def main(words: Sequence[str]) -> None:
  """Makes the file that the command line asks for."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('model', help='a Keras model: .keras, .h5 or a folder')
  parser.add_argument('dataset', help='see `flsec list datasets`')
  parser.add_argument('out', help='the .npz file that is written')
  parser.add_argument('--layer', help='whose output the features are')
  parser.add_argument('--data_dir', default=data.default_data_dir())
  given = parser.parse_args(words)
  out = pathlib.Path(given.out)
  if out.suffix != '.npz':
    sys.exit(f'{out} has to end in .npz.')
  try:
    arrays = make(given.model, given.dataset, given.data_dir, given.layer)
  except ValueError as error:
    sys.exit(str(error))
  file = io.BytesIO()
  np.savez_compressed(file, **arrays)
  atomic_file.write_atomically(out, file.getvalue())
  shape = arrays['x_train'].shape
  print(f'{out}: {shape[0]} + {len(arrays["x_test"])} x {shape[1]} features')


if __name__ == '__main__':
  main(sys.argv[1:])
