"""Keras' random layers, drawing from a seed that is handed in."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.models import functional_layers, random_layers
from flsec.models.flat import FlatModel

layers = tf.keras.layers
KINDS = {
  'dropout': lambda: layers.Dropout(0.4),
  'spatial': lambda: layers.SpatialDropout2D(0.4),
  'alpha': lambda: layers.AlphaDropout(0.4),
  'gaussian_dropout': lambda: layers.GaussianDropout(0.4),
  'gaussian_noise': lambda: layers.GaussianNoise(0.4),
}
every_kind = pytest.mark.parametrize('kind', KINDS)


def run(layer, x, *, seed=(1, 2), training=True, index=1):
  ours = random_layers.seeded(layer, index)
  ours.trace = functional_layers.Trace(tf.constant(seed))
  return ours(tf.constant(x, tf.float32), training=training).numpy()


@every_kind
def test_the_seed_and_the_place_in_the_model_decide(kind):
  x = np.ones([5, 4, 4, 30])
  first = run(KINDS[kind](), x)
  np.testing.assert_array_equal(first, run(KINDS[kind](), x))
  assert not np.array_equal(first, run(KINDS[kind](), x, seed=(1, 3)))
  assert not np.array_equal(first, run(KINDS[kind](), x, index=2))


@every_kind
def test_nothing_is_drawn_outside_training(kind):
  x = np.linspace(-1, 1, 2 * 4 * 4 * 3).reshape(2, 4, 4, 3)
  np.testing.assert_array_equal(
    run(KINDS[kind](), x, training=False), x.astype(np.float32)
  )


@every_kind
def test_examples_behind_change_no_draw(kind):
  x = np.ones([6, 4, 4, 3])
  np.testing.assert_array_equal(
    run(KINDS[kind](), x)[:4], run(KINDS[kind](), x[:4])
  )


@every_kind
def test_training_needs_a_seed(kind):
  ours = random_layers.seeded(KINDS[kind](), 1)
  ours.trace = functional_layers.Trace()
  with pytest.raises(ValueError, match='training needs a seed'):
    ours(tf.ones([2, 4, 4, 3]), training=True)


@pytest.mark.parametrize(
  ('layer', 'pattern'),
  [
    (layers.SpatialDropout1D(0.5), (40, 1, 30)),
    (layers.Dropout(0.5, noise_shape=(None, 1, 30)), (40, 1, 30)),
    (layers.Dropout(0.5, noise_shape=(1, 6, 30)), (1, 6, 30)),
    (layers.AlphaDropout(0.5, noise_shape=(1, 6, 30)), (1, 6, 30)),
  ],
)
def test_what_drops_together(layer, pattern):
  found = run(layer, np.ones([40, 6, 30]))
  low = found.min()
  same = found[tuple(slice(0, size) for size in pattern)]
  np.testing.assert_array_equal(found, np.broadcast_to(same, found.shape))
  assert 0.3 < (same == low).mean() < 0.7


def test_spatial_dropout_drops_images_channels_and_scales_the_rest():
  found = run(layers.SpatialDropout2D(0.5), np.ones([50, 3, 4, 20]))
  np.testing.assert_array_equal(
    found, np.broadcast_to(found[:, :1, :1], found.shape)
  )
  assert set(np.unique(found)) == {0.0, 2.0}
  assert np.mean(found == 0) == pytest.approx(0.5, abs=0.1)


def test_alpha_dropout_keeps_mean_and_variance():
  x = np.random.default_rng(0).normal(size=[400, 500])
  found = run(layers.AlphaDropout(0.3), x)
  # Klambauer et al., section 3: to alpha' = -lambda alpha = -1.7581, then
  # a = (q + alpha'^2 q (1 - q))^-1/2 and b = -a (1 - q) alpha', q = 0.7.
  low = -1.7580993408473766
  a = (0.7 + low**2 * 0.7 * 0.3) ** -0.5
  b = -a * 0.3 * low
  dropped = np.isclose(found, a * low + b, atol=1e-5)
  assert dropped.mean() == pytest.approx(0.3, abs=0.01)
  np.testing.assert_allclose(
    found[~dropped], (a * x + b)[~dropped], rtol=1e-4, atol=1e-5
  )
  assert found.mean() == pytest.approx(0.0, abs=0.01)
  assert found.std() == pytest.approx(1.0, abs=0.01)


def test_gaussian_noise_and_dropout_have_their_moments():
  x = np.full([400, 500], 2.0)
  noise = run(layers.GaussianNoise(0.5), x) - 2.0
  assert noise.mean() == pytest.approx(0.0, abs=0.01)
  assert noise.std() == pytest.approx(0.5, abs=0.01)
  factor = run(layers.GaussianDropout(0.2), x) / 2.0
  assert factor.mean() == pytest.approx(1.0, abs=0.01)
  assert factor.std() == pytest.approx(np.sqrt(0.2 / 0.8), abs=0.01)


@pytest.mark.parametrize(
  'layer',
  [
    layers.Dropout(0.0),
    layers.AlphaDropout(0.0),
    layers.GaussianDropout(0.0),
    layers.GaussianNoise(0.0),
  ],
)
def test_a_layer_that_does_nothing_needs_no_seed(layer):
  ours = random_layers.seeded(layer, 1)
  np.testing.assert_array_equal(ours(tf.ones([2, 3]), training=True), 1.0)


def test_any_other_layer_has_no_twin():
  assert random_layers.seeded(layers.ReLU(), 1) is None


class OwnDropout(layers.Dropout):
  pass


class Within(layers.Layer):
  def __init__(self, **options):
    super().__init__(**options)
    self.drop = layers.Dropout(0.5)

  def call(self, inputs):
    return self.drop(inputs)


@pytest.mark.parametrize(
  'layer',
  [
    layers.RandomFlip(name='odd'),
    layers.RandomRotation(0.1, name='odd'),
    OwnDropout(0.5, name='odd'),
    Within(name='odd'),
  ],
)
def test_layers_that_draw_in_a_way_of_their_own_are_refused(layer):
  x = inputs = tf.keras.Input((4, 4, 3))
  x = layers.Dense(3)(layers.Flatten()(layer(x)))
  with pytest.raises(ValueError, match=r"'odd' .* draws random .* Use Dropout"):
    FlatModel(tf.keras.Model(inputs, x))


@every_kind
def test_a_model_trains_with_it(kind):
  x = inputs = tf.keras.Input((4, 4, 3))
  x = layers.Conv2D(8, 3, padding='same')(KINDS[kind]()(x))
  x = layers.Dense(2)(layers.Flatten()(KINDS[kind]()(x)))
  model = FlatModel(tf.keras.Model(inputs, x))
  weights = tf.constant(model.initial_weights(0))
  run = lambda *seed: model.loss_and_gradient(
    weights,
    tf.ones([3, 4, 4, 3]),
    tf.zeros([3], tf.int32),
    seed=tf.constant(seed, tf.int64),
  )[1].numpy()
  np.testing.assert_array_equal(run(1, 2), run(1, 2))
  assert not np.array_equal(run(1, 2), run(2, 2))
  assert np.isfinite(run(1, 2)).all()
