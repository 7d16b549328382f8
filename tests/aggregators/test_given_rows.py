"""Rules take real numbers of any precision, or name the shape they got."""

import numpy as np
import pytest
import tensorflow as tf

from flsec import aggregators, registry
from flsec.aggregators import rule as rule_lib

_ROWS = np.arange(12.0).reshape(4, 3) / 4  # Exact in every precision.
_MEDIAN = [1.125, 1.375, 1.625]


@pytest.fixture(scope='module')
def median():
  return aggregators.build('median')


@pytest.mark.parametrize(
  'given',
  [
    _ROWS,
    _ROWS.astype(np.float16),
    _ROWS.astype('>f8'),
    _ROWS.tolist(),
    [tf.constant(row) for row in _ROWS],
    tf.constant(_ROWS, tf.float64),
    tf.constant(_ROWS, tf.float16),
    tf.constant(_ROWS, tf.bfloat16),
    tf.Variable(_ROWS),
  ],
)
def test_every_precision_is_converted(median, given):
  found = median(given)
  assert found.dtype == tf.float32
  np.testing.assert_array_equal(found, _MEDIAN)


@pytest.mark.parametrize('dtype', ['int8', 'uint8', 'int32', 'int64', 'uint64'])
def test_whole_numbers_are_converted(median, dtype):
  rows = (4 * _ROWS).astype(dtype)
  for given in (rows, rows.tolist(), tf.constant(rows)):
    np.testing.assert_array_equal(median(given), [4.5, 5.5, 6.5])


def test_within_a_graph(median):
  run = tf.function(lambda rows: median(rows))
  np.testing.assert_array_equal(run(tf.constant(_ROWS)), _MEDIAN)


@pytest.mark.parametrize(
  ('given', 'message'),
  [
    (_ROWS[:, :0], r'd at least 1; got \(4, 0\)'),
    (_ROWS[0], r'got \(3,\)'),
    (_ROWS[None], r'got \(1, 4, 3\)'),
    (3.0, r'got \(\)'),
    (_ROWS * 1j, r'real numbers; got complex128 of shape \(4, 3\)'),
    (tf.constant(_ROWS * 1j), r'got complex128 of shape \(4, 3\)'),
    (_ROWS > 1, r'got bool of shape \(4, 3\)'),
    ([['a', 'b']], r'got string of shape \(1, 2\)'),
    ([[1.0, 2.0], [3.0]], 'got list, which is no tensor'),
    (None, 'got NoneType'),
    (np.array([[None, 1.0]]), r'got ndarray \(1, 2\), which is no tensor'),
    ([[10**400]], 'got list'),
    (tf.sparse.from_dense(_ROWS), r'SparseTensor \(4, 3\)'),
    (_ROWS * 1e300, r'updates \[4, 3\] hold .*e\+299 in row 0, column 1'),
    ((_ROWS * 1e300).tolist(), r'hold .* in row 0, column 1'),
    (tf.constant(_ROWS * -1e300), 'hold -2.5e.299 in row 0, column 1'),
    ([[1.0], [1e39]], 'hold 1e.39 in row 1, column 0'),
  ],
)
def test_what_is_no_stack_names_what_was_received(median, given, message):
  with pytest.raises(ValueError, match=rf'^median .*{message}'):
    median(given)


def test_no_row_is_too_few(median):
  with pytest.raises(ValueError, match='at least 1 clients; got n=0'):
    median(np.zeros([0, 3]))


def test_infinities_are_the_rules_business(median):
  rows = np.array([[1.0], [2.0], [np.inf], [np.nan], [3.0]])
  np.testing.assert_array_equal(median(rows), [2.0])


@pytest.mark.parametrize(
  'weights', [np.ones(3), 1.0, ['a'] * 4, [[1.0] * 4], np.ones(4) * 1j]
)
def test_weights_that_are_not_one_a_row(weights):
  with pytest.raises(ValueError, match=r'a weight for each row.* \(4,\); got'):
    aggregators.build('mean')(_ROWS, weights)


def test_weights_of_any_precision():
  weighted = aggregators.build('mean')
  for weights in ([1, 1, 1, 1], np.ones(4), tf.ones(4, tf.float16)):
    np.testing.assert_array_equal(weighted(_ROWS, weights), _MEDIAN)


@pytest.mark.parametrize('name', ['bucketing', 'nearest_neighbor_mixing'])
def test_preaggregators_too(name):
  needed = {'nearest_neighbor_mixing': {'num_byzantine': 1}}
  stage = registry.build('preaggregator', name, **needed.get(name, {}))
  assert stage(tf.constant(_ROWS, tf.float64)).dtype == tf.float32
  with pytest.raises(ValueError, match=r'got complex128 of shape \(4, 3\)'):
    stage(_ROWS * 1j)


def rule_of(result):
  return rule_lib.stateless('mine', lambda updates, weights, context: result)


def test_a_rule_whose_result_is_none_is_named():
  selected = {'selected': tf.ones(4)}
  np.testing.assert_array_equal(
    rule_of((tf.zeros(3), selected))(_ROWS), np.zeros(3)
  )
  with pytest.raises(
    ValueError, match=r"'mine' returns an update of shape \(2,\) .* \(4, 3\)"
  ):
    rule_of((tf.zeros(2), selected))(_ROWS)
  with pytest.raises(
    ValueError, match=r"'mine' measures \['odd'\]; 'selected'"
  ):
    rule_of((tf.zeros(3), {'odd': tf.ones(4)}))(_ROWS)
