import numpy as np
import pytest
import tensorflow as tf
from mask_layouts import CRITICAL, MIXED

from flsec.attacks.updates.masks import options as mask_options
from flsec.models.flat import FlatModel

SEED = tf.constant([1, 2])
CRITICAL_COUNT = sum(stop - start for start, stop in CRITICAL)


@pytest.fixture(scope='module')
def network():
  tf.keras.utils.set_random_seed(0)
  layers = tf.keras.layers
  inputs = layers.Input((6, 6, 1))
  x = layers.Conv2D(4, 3, activation='relu', name='conv')(inputs)
  x = layers.Dense(12, activation='relu', name='hidden')(layers.Flatten()(x))
  model = tf.keras.Model(inputs, layers.Dense(3, name='out')(x))
  flat = FlatModel(model)
  generator = np.random.default_rng(0)
  x = generator.uniform(size=(20, 6, 6, 1)).astype(np.float32)
  y = generator.integers(0, 3, size=20).astype(np.int32)
  return flat, flat.initial_weights(5), tf.constant(x), tf.constant(y)


def _mask(network, method, **options):
  model, weights, x, y = network
  given = mask_options.MaskOptions(
    method, options.pop('keep_fraction', 0.1), **options
  )
  return mask_options.make_mask(
    given, model, model.layout, weights, x, y, SEED
  ).numpy()


def _count(network, mask, name):
  span = network[0].layout[name].kernel
  return mask[span.start : span.stop].sum()


@pytest.mark.parametrize(
  ('method', 'critical', 'expected'),
  [
    ('random', False, 97),
    ('layerwise', False, 4 + 1 + 1 + 1 + 81 + 3 + 11 + 1),
    ('layerwise', True, 4 + 81 + 11 + CRITICAL_COUNT),
  ],
)
def test_sizes_of_random_masks(method, critical, expected):
  given = mask_options.MaskOptions(method, 0.1, include_critical=critical)
  mask = mask_options.make_mask(
    given, None, MIXED, tf.zeros(1), None, None, SEED
  )
  assert mask.dtype == tf.bool and mask.shape == (MIXED.size,)
  assert int(tf.math.count_nonzero(mask)) == expected


def test_random_plus_is_the_union_with_the_critical_tensors():
  plain, plus = (
    mask_options.make_mask(
      mask_options.MaskOptions('random', 0.1, include_critical=critical),
      None,
      MIXED,
      tf.zeros(1),
      None,
      None,
      SEED,
    ).numpy()
    for critical in (False, True)
  )
  critical = np.zeros(MIXED.size, bool)
  for start, stop in CRITICAL:
    critical[start:stop] = True
  np.testing.assert_array_equal(plus, plain | critical)


@pytest.mark.parametrize('method', ['force', 'snip', 'synflow'])
def test_saliency_masks_keep_their_share_and_cap_the_output(network, method):
  options = {'include_critical': False, 'num_iterations': 4, 'batch_size': 8}
  total = 36 + 64 * 12 + 36
  mask = _mask(network, method, **options, output_fraction=0.25)
  assert mask.sum() == int(0.1 * total)
  assert _count(network, mask, 'out') <= 9
  free = _mask(network, method, **options)
  assert free.sum() == int(0.1 * total)
  assert _count(network, free, 'out') > 9


def test_snip_is_the_first_step_of_force(network):
  options = {'include_critical': False, 'num_iterations': 1}
  np.testing.assert_array_equal(
    _mask(network, 'snip', include_critical=False),
    _mask(network, 'force', **options),
  )


def test_force_differs_from_snip_where_it_takes_steps(network):
  stepped = _mask(network, 'force', include_critical=False, num_iterations=10)
  assert (stepped != _mask(network, 'snip', include_critical=False)).any()


def test_synflow_reads_no_example(network):
  model, weights, x, y = network
  other = (model, weights, x * 0 + 0.5, 2 - y)
  np.testing.assert_array_equal(
    _mask(network, 'synflow', num_iterations=3),
    _mask(other, 'synflow', num_iterations=3),
  )


def test_a_mask_may_be_made_inside_a_graph(network):
  @tf.function
  def make():
    model, weights, x, y = network
    given = mask_options.MaskOptions('force', 0.1, num_iterations=3)
    return mask_options.make_mask(
      given, model, model.layout, tf.constant(weights), x, y, SEED
    )

  np.testing.assert_array_equal(
    make(), _mask(network, 'force', num_iterations=3)
  )


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'method': 'forced'}, r"mask must be one of .*force, .*got 'forced'"),
    ({'keep_fraction': 0.0}, r'needs 0 < keep_fraction <= 1; got 0'),
    ({'output_fraction': 1.5}, r'needs 0 < output_fraction <= 1; got 1.5'),
    ({'num_iterations': 0}, r'needs num_iterations >= 1; got 0'),
    ({'batch_size': 0}, r'needs batch_size >= 1; got 0'),
    ({'num_batches': -1}, r'needs num_batches >= 1; got -1'),
  ],
)
def test_bad_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    mask_options.MaskOptions(
      **{'method': 'force', 'keep_fraction': 0.1, **options}
    )
