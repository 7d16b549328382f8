"""Tests of triggers read from files."""

import zipfile

import numpy as np
import pytest

from flsec.attacks.data.trigger import build_trigger


def test_nan_leaves_entries_alone(tmp_path):
  path = str(tmp_path / 'pattern.npy')
  np.save(path, np.array([[0.5, np.nan], [np.nan, 1.0]]))
  trigger = build_trigger({'file': path, 'position': [1, 2]}, (4, 4, 3))
  mask, values = trigger.dense((4, 4, 3))
  assert mask.sum() == 6
  np.testing.assert_array_equal(values[1, 2], [0.5] * 3)
  np.testing.assert_array_equal(values[2, 3], [1.0] * 3)


def test_a_mask_decides_and_uint8_is_scaled(tmp_path):
  path = str(tmp_path / 'pattern.npz')
  pattern = np.array([[[255, 0, 51]]], np.uint8)
  np.savez(path, pattern=pattern, mask=np.array([[[1, 1, 0]]]))
  mask, values = build_trigger({'file': path}).dense((2, 2, 3))
  np.testing.assert_array_equal(mask[0, 0], [True, True, False])
  np.testing.assert_allclose(values[0, 0], [1.0, 0.0, 0.0])
  assert mask.sum() == 2


def test_a_vector_is_for_tabular_data(tmp_path):
  path = str(tmp_path / 'pattern.npy')
  np.save(path, np.array([np.nan, 2.0, np.nan]))
  mask, values = build_trigger({'file': path}).dense((5,))
  np.testing.assert_array_equal(mask, [False, True, False, False, False])
  assert values[1] == 2.0


@pytest.mark.parametrize(
  ('arrays', 'message'),
  [
    ({'other': np.ones([2, 2])}, 'must hold the array `pattern`; it holds oth'),
    ({'pattern': np.full([2, 2], np.nan)}, 'writes nowhere'),
    ({'pattern': np.ones([1, 2, 2, 2])}, r'got \(1, 2, 2, 2\)'),
    (
      {'pattern': np.ones([2, 2]), 'mask': np.ones([2])},
      r'mask of the same shape if any; got \(2, 2\) and \(2,\)',
    ),
    ({'pattern': np.array([{}])}, 'The trigger cannot read'),
    ({'pattern': np.array(['1', '2'])}, 'real numbers in the array pattern'),
    ({'pattern': np.ones([2, 2], complex)}, 'it holds complex128'),
    (
      {'pattern': np.ones([2]), 'mask': np.array(['1', '0'])},
      'real numbers in the array mask',
    ),
  ],
)
def test_unusable_files_are_refused(tmp_path, arrays, message):
  path = str(tmp_path / 'pattern.npz')
  np.savez(path, **arrays)
  with pytest.raises(ValueError, match=message):
    build_trigger({'file': path})


@pytest.mark.parametrize('name', ['pattern', 'mask'])
def test_a_member_that_is_no_array_is_refused(tmp_path, name):
  path = str(tmp_path / 'pattern.npz')
  np.savez(path, **({} if name == 'pattern' else {'pattern': np.ones([2])}))
  with zipfile.ZipFile(path, 'a') as archive:
    archive.writestr(f'{name}.npy', b'no array')
  message = f'The trigger cannot read .*: {name} in it is no array'
  with pytest.raises(ValueError, match=message):
    build_trigger({'file': path})


def test_missing_truncated_and_misplaced_files_are_refused(tmp_path):
  with pytest.raises(ValueError, match=r'cannot read .*absent\.npy'):
    build_trigger({'file': str(tmp_path / 'absent.npy')})
  path = tmp_path / 'pattern.npy'
  np.save(path, np.ones([2, 2]))
  with pytest.raises(ValueError, match='must not be negative'):
    build_trigger({'file': str(path), 'position': [-1, 0]})
  with pytest.raises(ValueError, match='outside an example'):
    build_trigger({'file': str(path), 'position': [3, 3]}, (4, 4, 1))
  path.write_bytes(path.read_bytes()[:-8])
  with pytest.raises(ValueError, match='cannot read'):
    build_trigger({'file': str(path)})
