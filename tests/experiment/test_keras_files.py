"""Weights are taken out of Keras' files, and no code of theirs is run."""

import io
import json
import os
import pathlib
import zipfile

import h5py
import numpy as np
import pytest
import tensorflow as tf

from flsec import models
from flsec.experiment import keras_weights
from flsec.models.flat import FlatModel

_OPTIONS = {
  'input_shape': (8, 8, 1),
  'num_classes': 3,
  'filters': [2, 3],
  'kernel_size': 3,
  'pool_after': [],
  'hidden': [4, 5],
  'normalization': 'batch',
}


def _cnn():
  return models.build('cnn', **_OPTIONS)


@pytest.fixture
def keras_model():
  """A model of eight layers with weights, all of them different."""
  model = _cnn()
  rng = np.random.default_rng(3)
  model.set_weights([rng.random(w.shape) for w in model.get_weights()])
  return model


@pytest.fixture
def model():
  return FlatModel(_cnn())


def _save(keras_model, path):
  keras_model.save(path, **({} if path.suffix else {'save_format': 'tf'}))


@pytest.mark.parametrize('name', ['model.h5', 'model.keras', 'saved'])
@pytest.mark.filterwarnings('ignore:You are saving')
def test_every_weight_is_where_keras_has_it(name, keras_model, model, tmp_path):
  path = tmp_path / name
  _save(keras_model, path)
  found = keras_weights.load(str(path), model)
  whole = np.concatenate([np.ravel(w) for w in keras_model.get_weights()])
  np.testing.assert_array_equal(found, model.trained(whole))


def _evil(layers, target):
  """Returns a model that makes a file when Keras' loader builds it."""
  # As `__import__` would be found by a function that Keras unmarshals.
  lines = f'lambda x: (__import__("pathlib").Path({str(target)!r}).touch(), x)'
  return tf.keras.Sequential(
    [
      layers.InputLayer((8, 8, 1)),
      layers.Lambda(eval(lines + '[1]')),
      layers.Flatten(),
      layers.Dense(3),
    ]
  )


@pytest.mark.filterwarnings('ignore:You are saving')
def test_code_in_a_file_is_not_run(model, tmp_path):
  target = tmp_path / 'pwned'
  path = tmp_path / 'evil.h5'
  _evil(tf.keras.layers, target).save(path)
  target.unlink(missing_ok=True)
  # It is evil: Keras' own loader runs it.
  tf.keras.models.load_model(path, compile=False)
  assert target.exists()
  target.unlink()
  with pytest.raises(ValueError, match='of another architecture'):
    keras_weights.load(str(path), model)
  assert not target.exists()


def test_class_that_a_description_names_is_not_made(model, tmp_path):
  target = tmp_path / 'pwned'
  layer = {
    'module': 'os',
    'class_name': 'mkdir',
    'config': {'name': str(target), 'path': str(target)},
    'registered_name': None,
  }
  config = {
    'module': 'keras',
    'class_name': 'Functional',
    'config': {'name': 'm', 'layers': [layer]},
  }
  path = tmp_path / 'evil.keras'
  weights = io.BytesIO()
  with h5py.File(weights, 'w') as file:
    file.create_group('layers/mkdir/vars')['0'] = np.zeros(3)
  with zipfile.ZipFile(path, 'w') as archive:
    archive.writestr('config.json', json.dumps(config))
    archive.writestr('model.weights.h5', weights.getvalue())
  with pytest.raises(ValueError, match='of another architecture'):
    keras_weights.load(str(path), model)
  assert not target.exists()


def test_array_of_another_file_is_refused(keras_model, model, tmp_path):
  secret = tmp_path / 'secret'
  secret.write_bytes(os.urandom(4096))
  path = tmp_path / 'model.h5'
  with h5py.File(path, 'w') as file:
    file.attrs['model_config'] = json.dumps({'class_name': 'Sequential'})
    group = file.create_group('model_weights')
    group.attrs['layer_names'] = ['a']
    layer = group.create_group('a')
    layer.attrs['weight_names'] = ['a/kernel:0']
    layer.create_dataset(
      'a/kernel:0', (3, 3, 1, 2), 'f4', external=[(str(secret), 0, 72)]
    )
  with pytest.raises(ValueError, match='stands in another file'):
    keras_weights.load(str(path), model)


@pytest.mark.parametrize('name', ['model.h5', 'model.keras', 'saved'])
@pytest.mark.filterwarnings('ignore:You are saving')
def test_damaged_bytes_are_refused_in_words(name, keras_model, model, tmp_path):
  path = tmp_path / name
  _save(keras_model, path)
  file = path
  if path.is_dir():
    file = path / 'variables' / 'variables.data-00000-of-00001'
  good = file.read_bytes()
  rng = np.random.default_rng(5)
  for _ in range(40):
    bad = bytearray(good)
    if rng.random() < 0.5:
      bad = bad[: rng.integers(len(bad))]
    else:
      for place in rng.integers(0, len(bad), 20):
        bad[place] = rng.integers(256)
    pathlib.Path(file).write_bytes(bad)
    try:
      found = keras_weights.load(str(path), model)
    except ValueError as error:
      assert str(path) in str(error)
    else:
      assert found.shape == (model.num_weights,)
