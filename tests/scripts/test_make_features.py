import numpy as np
import pytest
import script_file
import tensorflow as tf

from flsec import data


@pytest.fixture(scope='module')
def script():
  return script_file.load('make_features')


@pytest.fixture(scope='module')
def model_file(tmp_path_factory):
  """A model of digits: a convolution, five features, dropout, the logits."""
  layers = tf.keras.layers
  x = inputs = tf.keras.Input((28, 28, 1))
  x = layers.AveragePooling2D(7, name='pool')(x)
  x = layers.Dense(5, activation='relu', name='features')(layers.Flatten()(x))
  x = layers.Dropout(0.5, name='drop')(x)
  model = tf.keras.Model(inputs, layers.Dense(10, name='logits')(x))
  rng = np.random.default_rng(0)
  model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
  path = tmp_path_factory.mktemp('model') / 'trained.keras'
  model.save(path)
  return path, model.get_layer('features').get_weights()


def _pooled(x):
  """Means of 7x7 pixels, in float64."""
  return (x / 255).reshape(-1, 4, 7, 4, 7).mean(axis=(2, 4))


def test_features_are_what_goes_into_the_last_layer(
  script, model_file, tmp_path
):
  path, (kernel, bias) = model_file
  script.main([str(path), 'digits', str(tmp_path / 'features.npz')])
  found = data.load('npz', str(tmp_path), file='features.npz')
  digits = data.load('digits')
  for x, made in (
    (digits.x_train, found.x_train),
    (digits.x_test, found.x_test),
  ):
    exact = np.maximum(_pooled(x).reshape(len(x), -1) @ kernel + bias, 0)
    np.testing.assert_allclose(made, exact, rtol=1e-4, atol=1e-5)
  np.testing.assert_array_equal(found.y_train, digits.y_train)
  np.testing.assert_array_equal(found.y_test, digits.y_test)
  assert found.num_classes == 10 and found.scale == 1


def test_a_layer_may_be_named(script, model_file, tmp_path):
  out = tmp_path / 'pooled.npz'
  script.main([str(model_file[0]), 'digits', str(out), '--layer=pool'])
  with np.load(out) as arrays:
    np.testing.assert_allclose(
      arrays['x_test'],
      _pooled(data.load('digits').x_test).reshape(-1, 16),
      rtol=1e-5,
      atol=1e-6,
    )


@pytest.mark.parametrize(
  'words, message',
  [
    (['MODEL', 'digits', 'x.npy'], 'has to end in .npz'),
    (['MODEL', 'digits', 'x.npz', '--layer=poll'], "no layer 'poll'; it has"),
    (['MODEL', 'npz', 'x.npz'], 'is missing'),
    (['nowhere.keras', 'digits', 'x.npz'], 'nowhere.keras is no Keras model'),
    (['MODEL', 'digit', 'x.npz'], "did you mean 'digits'"),
  ],
)
def test_refusals_write_nothing(script, model_file, tmp_path, words, message):
  words = [str(model_file[0]) if w == 'MODEL' else w for w in words]
  words[2] = str(tmp_path / words[2])
  with pytest.raises(SystemExit) as ended:
    script.main([*words, f'--data_dir={tmp_path}'])
  assert message in str(ended.value.code)
  assert not list(tmp_path.iterdir())


def test_another_shape_is_refused(script, tmp_path):
  model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])
  model.save(tmp_path / 'other.keras')
  with pytest.raises(ValueError, match=r'shape \(3,\); those of digits are'):
    script.make(str(tmp_path / 'other.keras'), 'digits', str(tmp_path), None)
