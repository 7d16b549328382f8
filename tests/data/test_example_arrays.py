"""Arrays as people bring them: taken where they mean one thing, or refused."""

import dataclasses

import numpy as np
import pytest

from flsec.data import Dataset
from flsec.data.errors import DatasetError


def build(**changes):
  """A data set of three classes, changed."""
  x = np.linspace(0, 1, 20, dtype=np.float32).reshape(10, 2)
  y = np.arange(10) % 3
  fields = {
    'name': 'own',
    'x_train': x[:6],
    'y_train': y[:6].astype(np.int32),
    'x_test': x[6:],
    'y_test': y[6:].astype(np.int32),
    'num_classes': 3,
  }
  return Dataset(**{**fields, **changes})


def both(dtype):
  values = np.arange(20).reshape(10, 2).astype(dtype)
  return {'x_train': values[:6], 'x_test': values[6:]}


class TestExamples:
  @pytest.mark.parametrize(
    ('dtype', 'stored', 'scale'),
    [
      ('uint8', 'uint8', 1 / 255),
      ('bool', 'uint8', 1.0),
      ('float16', 'float32', 1.0),
      ('float32', 'float32', 1.0),
      ('float64', 'float32', 1.0),
      ('int8', 'int32', 1.0),
      ('uint16', 'int32', 1.0),
      ('int64', 'int32', 1.0),
      ('>f8', 'float32', 1.0),
    ],
  )
  def test_the_scale_follows_the_type(self, dtype, stored, scale):
    found = build(**both(dtype))
    assert found.x_train.dtype == found.x_test.dtype == np.dtype(stored)
    assert found.scale == scale
    np.testing.assert_array_equal(
      found.x_train, np.arange(12).reshape(6, 2).astype(dtype).astype(stored)
    )
    given = build(**both(dtype), scale=0.5, shift=2.0)
    assert (given.scale, given.shift) == (0.5, 2.0)

  def test_arrays_that_fit_are_not_copied(self):
    x = np.zeros([6, 2], np.float32)
    assert build(x_train=x).x_train is x

  @pytest.mark.parametrize(
    ('value', 'shown'), [(np.nan, 'nan'), (-np.inf, '-inf'), (1e39, '1e+39')]
  )
  @pytest.mark.parametrize('row', [0, 4])
  def test_a_number_that_is_none_is_named_by_its_row(self, value, shown, row):
    x = np.zeros([6, 2])
    x[row, 1] = value
    with pytest.raises(
      DatasetError,
      match=rf"'own': the training .* hold {shown.replace('+', '.')} in row "
      rf'{row}, at \[1\].*Drop the row or fill',
    ):
      build(x_train=x)

  def test_rows_far_behind_are_looked_at_too(self):
    x = np.zeros([10_000, 2], np.float32)
    x[9_999, 0] = np.nan
    y = np.zeros(10_000, np.int32)
    with pytest.raises(DatasetError, match='in row 9999'):
      build(x_train=x, y_train=y)

  @pytest.mark.parametrize(
    ('x', 'message'),
    [
      (np.zeros([0, 2]), r'shape \(0, 2\)'),
      (np.zeros([6, 0]), r'shape \(6, 0\)'),
      (np.zeros(6), r'shape \(6,\), .* x\[:, None\]'),
      (np.float32(3.0), r'shape \(\)'),
      (np.array([['a', 'b']] * 6), 'are <U1, which are no numbers'),
      (np.zeros([6, 2], complex), 'are complex128'),
      (np.array([[None, 1]] * 6), 'are objects'),
      ([[1.0, 2.0], [3.0]] * 3, 'are no array'),
      (np.full([6, 2], 2**40), f'run from {2**40} to {2**40}'),
      (
        np.ma.masked_equal(np.arange(12.0).reshape(6, 2), 3.0),
        'row 1 of the training examples is masked',
      ),
      (np.zeros([6, 3], np.float32), r'shape \(3,\), test examples \(2,\)'),
      (np.zeros([6, 2], np.uint8), 'are uint8, test examples float32'),
      (np.zeros([5, 2], np.float32), '5 examples and 6 labels'),
    ],
  )
  def test_what_nothing_can_be_trained_on(self, x, message):
    with pytest.raises(DatasetError, match=message) as caught:
      build(x_train=x)
    assert str(caught.value).startswith("Data set 'own': ")

  def test_a_sparse_matrix_is_told_to_be_filled_in(self):
    sparse = pytest.importorskip('scipy.sparse')
    with pytest.raises(DatasetError, match=r'csr_matrix.*toarray\(\)'):
      build(x_train=sparse.csr_matrix(np.eye(6, 2)))


class TestLabels:
  @pytest.mark.parametrize(
    'y',
    [
      [0, 1, 2, 0, 1, 2],
      np.array([0, 1, 2, 0, 1, 2], np.int64),
      np.array([0, 1, 2, 0, 1, 2], np.uint8),
      np.array([0.0, 1.0, 2.0, 0.0, 1.0, 2.0]),
      np.array([[0], [1], [2], [0], [1], [2]]),
      np.array([[0.0], [1.0], [2.0], [0.0], [1.0], [2.0]]),
      np.eye(3)[[0, 1, 2, 0, 1, 2]],
      np.eye(3, dtype=bool)[[0, 1, 2, 0, 1, 2]],
    ],
  )
  def test_what_means_one_thing_is_taken(self, y):
    found = build(y_train=y).y_train
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, [0, 1, 2, 0, 1, 2])

  @pytest.mark.parametrize(
    ('y', 'message'),
    [
      (['a', 'b', 'c'] * 2, r"are text \(\['a'\] in row 0\).*return_inverse"),
      (np.array([0, 1, None] * 2), 'are text'),
      ([0, 1, 1.7] * 2, 'label of row 2 of the training set is 1.7'),
      ([0, np.nan, 1] * 2, 'label of row 1 of the training set is nan'),
      ([0, 1, np.inf] * 2, 'run from 0.0 to inf; .* row 2'),
      ([0, 1, -1] * 2, 'run from -1 to 1; .* 0 to 2; row 2 has -1'),
      ([1, 2, 3] * 2, 'row 2 has 3. Count classes from 0: subtract 1'),
      ([0, 1, 9] * 2, 'row 2 has 9. Set num_classes'),
      (np.full([6, 3], 1 / 3), 'row 0 .* not one-hot: .0.333333, 0.33'),
      (np.ones([6, 3]), 'row 0 .* is not one-hot'),
      (np.zeros([6, 2]), r'have shape \(6, 2\)'),
      (np.zeros([6, 3, 1]), r'have shape \(6, 3, 1\)'),
      (np.zeros(6, complex), 'labels are complex128'),
      (np.zeros(5), '6 examples and 5 labels'),
    ],
  )
  def test_what_is_no_class(self, y, message):
    with pytest.raises(DatasetError, match=message):
      build(y_train=y)

  def test_the_test_set_is_named(self):
    with pytest.raises(DatasetError, match='the test labels of own run from 0'):
      build(y_test=[0, 1, 2, 3])


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'num_classes': 1}, 'num_classes is 1'),
    ({'num_classes': 3.0}, 'num_classes is 3.0'),
    ({'num_classes': None}, 'num_classes is None'),
    ({'scale': np.nan}, 'scale is nan'),
    ({'shift': 'a'}, "shift is 'a'"),
    ({'writers': np.zeros(5, int)}, r'writers are int64 \(5,\)'),
    ({'writers': ['a'] * 6}, 'writers are <U1'),
  ],
)
def test_other_fields(changes, message):
  with pytest.raises(DatasetError, match=message):
    build(**changes)


def test_a_changed_copy_is_checked_and_keeps_its_scale():
  found = build(**both('uint8'))
  assert dataclasses.replace(found, name='other').scale == 1 / 255
  with pytest.raises(DatasetError, match='labels of own run'):
    dataclasses.replace(found, y_train=found.y_train + 1)
