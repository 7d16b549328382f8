"""Tests of backdoor triggers."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.data.trigger import build_trigger, union
from flsec.attacks.data.trigger_presets import LOCAL_PATTERNS, PRESETS


def places(spec, shape):
  mask, values = build_trigger(spec).dense(shape)
  return {
    tuple(index): float(values[tuple(index)]) for index in np.argwhere(mask)
  }


@pytest.mark.parametrize(
  ('spec', 'shape', 'expected'),
  [
    (
      'feder_mnist',
      (28, 28, 1),
      dict.fromkeys([(24, 26, 0), (25, 25, 0), (26, 24, 0), (26, 26, 0)], 1.0),
    ),
    (
      'feder_cifar',
      (32, 32, 3),
      {
        (31, 29 + pixel, channel): float(pixel == channel)
        for pixel in range(3)
        for channel in range(3)
      },
    ),
    (
      'federated_pruning_3',
      (28, 28, 1),
      dict.fromkeys([(26, 26, 0), (25, 25, 0), (24, 24, 0)], 1.0),
    ),
    ('agramplifier', (446,), {(7,): 0.5, (8,): 0.5}),
    ('agramplifier_image', (28, 28, 1), {(0, 7, 0): 0.5, (0, 8, 0): 0.5}),
    (
      {'patch': [1, 2], 'position': [3, 0], 'value': [0.1, 0.2, 0.3]},
      (5, 5, 3),
      {
        (3, column, channel): np.float32(0.1 * (channel + 1))
        for column in range(2)
        for channel in range(3)
      },
    ),
    ({'patch': [1, 1], 'value': 2}, (5, 6, 1), {(4, 5, 0): 2.0}),
    (
      {'pixels': [[0, 0, 2], [1, 1, 0]], 'value': [0.5, 0.25]},
      (2, 2, 3),
      {(0, 0, 2): 0.5, (1, 1, 0): 0.25},
    ),
    (
      {'pixels': [[0, 0], [1, 1]], 'value': [[0.5, 0.25], 1]},
      (2, 2, 2),
      {(0, 0, 0): 0.5, (0, 0, 1): 0.25, (1, 1, 0): 1.0, (1, 1, 1): 1.0},
    ),
    ({'features': [-1], 'value': -3}, (4,), {(3,): -3.0}),
  ],
)
def test_a_trigger_writes_where_the_paper_says(spec, shape, expected):
  assert places(spec, shape) == pytest.approx(expected)


@pytest.mark.parametrize('count', [1, 3, 5, 7, 9])
def test_federated_pruning_patterns_have_that_many_pixels(count):
  found = places(f'federated_pruning_{count}', (28, 28, 1))
  assert len(found) == count
  assert all(24 <= row <= 26 and 24 <= col <= 26 for row, col, _ in found)


def test_flpoison_writes_a_block_of_ones_in_the_far_corner():
  wanted = {(r, c, 0): 1.0 for r in range(23, 28) for c in range(23, 28)}
  assert places('flpoison', (28, 28, 1)) == wanted


@pytest.mark.parametrize('name', sorted(PRESETS))
def test_every_preset_fits_the_data_it_is_for(name):
  shape = (446,) if name == 'agramplifier' else (28, 28, 1)
  shape = (32, 32, 3) if 'cifar' in name else shape
  mask, _ = build_trigger(name, shape).dense(shape)
  assert mask.any()


@pytest.mark.parametrize('name', sorted(LOCAL_PATTERNS))
def test_the_global_trigger_is_the_union_of_disjoint_parts(name):
  shape = (32, 32, 3)
  parts = [build_trigger(part) for part in LOCAL_PATTERNS[name]]
  masks = [part.dense(shape)[0] for part in parts]
  assert len(parts) == 4
  np.testing.assert_array_equal(
    np.sum(masks, axis=0), build_trigger(name).dense(shape)[0]
  )
  np.testing.assert_array_equal(
    union(parts).dense(shape)[0], build_trigger(name).dense(shape)[0]
  )


def test_dba_mnist_strips():
  rows = {(row, col) for row, col, _ in places('dba_mnist', (28, 28, 1))}
  columns = [0, 1, 2, 3, 6, 7, 8, 9]
  assert rows == {(row, col) for row in (0, 3) for col in columns}


def test_stamping_leaves_the_rest_alone():
  x = tf.random.stateless_uniform([5, 28, 28, 1], [1, 2])
  stamped = build_trigger('feder_mnist').stamp(x).numpy()
  mask, _ = build_trigger('feder_mnist').dense((28, 28, 1))
  np.testing.assert_array_equal(stamped[:, ~mask], x.numpy()[:, ~mask])
  assert np.all(stamped[:, mask] == 1.0)


@pytest.mark.parametrize(
  ('spec', 'shape', 'message'),
  [
    ('feder_mnits', None, "Unknown trigger 'feder_mnits'; did you mean 'feder"),
    ({'pixel': [[0, 0]]}, None, "'pixel'; did you mean 'pixels'"),
    ({}, None, 'exactly one of pixels, patch, features, file; got none'),
    ({'patch': [1, 1], 'features': [1]}, None, 'got patch, features'),
    ({'pixels': []}, None, 'at least one entry in `pixels`'),
    ({'pixels': [[1]]}, None, r'\[row, column\] or .* got \[1\]'),
    ({'pixels': [[1, 0.5]]}, None, r'whole numbers in `pixels`; got \[1, 0.5'),
    (
      {'pixels': [[1, 2]], 'value': [1, 2]},
      None,
      '1 pixels needs one .* got 2',
    ),
    ({'pixels': [[1, 2]], 'position': [1, 2]}, None, 'has no `position`'),
    ({'patch': [0, 3]}, None, r'both at least 1; got \[0, 3\]'),
    (
      {'patch': [3, 3], 'position': [-2, 0]},
      None,
      r'3x3 does not fit between position \[-2, 0\]',
    ),
    (
      {'patch': [2, 3], 'position': [-2, -1]},
      None,
      r'2x3 does not fit between position \[-2, -1\]',
    ),
    ({'pixels': [[28, 0]]}, (28, 28, 1), r'writes at \(28, 0\), outside .*28'),
    ({'pixels': [[0, -29]]}, (28, 28, 1), r'writes at \(0, -29\), outside'),
    ('feder_cifar', (28, 28, 1), r'writes at \(-1, -3, 1\), outside'),
    ('feder_mnist', (446,), 'image trigger, but the examples are features'),
    (
      'agramplifier',
      (28, 28, 1),
      'feature trigger, but the examples are image',
    ),
    ({'features': [446]}, (446,), r'writes at \(446,\), outside'),
  ],
)
def test_impossible_triggers_are_refused(spec, shape, message):
  with pytest.raises(ValueError, match=message):
    build_trigger(spec, shape)


def test_without_a_shape_the_first_batch_is_refused():
  trigger = build_trigger({'pixels': [[9, 9]]})
  with pytest.raises(ValueError, match='outside an example of shape'):
    trigger.stamp(tf.zeros([2, 8, 8, 1]))
