import hashlib

import numpy as np
import pytest
from published_files import random_images

from flsec.data import verify
from flsec.data.errors import DataFileError

_X = random_images(30, (4, 4))
_Y = np.arange(30) % 10


def test_fingerprint_ignores_order_only():
  order = np.random.default_rng(1).permutation(30)
  expected = verify.fingerprint(_X, _Y)
  assert verify.fingerprint(_X[order], _Y[order]) == expected
  assert verify.fingerprint(_X[order], _Y) != expected
  assert verify.fingerprint(_X[1:], _Y[1:]) != expected


def test_fingerprint_sees_every_bit_of_a_pixel_and_a_label():
  expected = verify.fingerprint(_X, _Y)
  for bit in range(8):
    x, y = _X.copy(), _Y.copy()
    x[7, 3, 3] ^= 1 << bit
    y[7] ^= 1 << bit
    assert verify.fingerprint(x, _Y) != expected
    assert verify.fingerprint(_X, y) != expected


def test_check_fingerprint_names_file_and_way_out():
  verify.check_fingerprint('f', 'test', _X, _Y, verify.fingerprint(_X, _Y))
  with pytest.raises(DataFileError, match='checksum of its test') as error:
    verify.check_fingerprint('f.npz', 'test', _X, _Y, '0' * 64)
  assert str(error.value).startswith('f.npz: ')
  assert 'verify_checksum to false' in str(error.value)


def test_check_file_md5(tmp_path):
  path = tmp_path / 'file'
  path.write_bytes(b'abc')
  verify.check_file_md5(path, '900150983cd24fb0d6963f7d28e17f72')
  assert hashlib.md5(b'abc').hexdigest().startswith('9001')
  with pytest.raises(DataFileError, match='its MD5 is 900150983cd2'):
    verify.check_file_md5(path, '0' * 32)


@pytest.mark.parametrize(
  ('x', 'y'),
  [(_X[:, :3], _Y), (_X.astype(float), _Y), (_X[1:], _Y), (_X[..., None], _Y)],
)
def test_refuses_other_images(x, y):
  verify.check_images('f', _X, _Y, (4, 4))
  with pytest.raises(DataFileError, match=r'expected uint8 images \(4, 4\)'):
    verify.check_images('f', x, y, (4, 4))


def test_labels_become_int32():
  labels = verify.check_labels('f', np.array([0, 9], np.uint8), 10)
  assert labels.dtype == np.int32
  np.testing.assert_array_equal(labels, [0, 9])


@pytest.mark.parametrize(
  ('y', 'message'),
  [
    ([1, 2, 10], 'label 10 of example 2 is out of range 0 to 9'),
    ([1, -1], 'label -1 of example 1'),
    ([[1]], 'whole-number labels'),
    ([0.0], 'whole-number labels'),
    (np.array([], int), 'whole-number labels'),
  ],
)
def test_refuses_other_labels(y, message):
  with pytest.raises(DataFileError, match=message):
    verify.check_labels('f', np.array(y), 10)


def test_class_counts():
  verify.check_class_counts('f', 'test', _Y, [3] * 10)
  with pytest.raises(DataFileError, match='test examples per class'):
    verify.check_class_counts('f', 'test', _Y, [4] + [3] * 9)


def test_a_smaller_file_is_reported(caplog):
  with caplog.at_level('WARNING', logger='absl'):
    verify.report_count('f', 'writers', 12, 12)
    assert not caplog.records
    verify.report_count('f', 'writers', 12, 3383)
  assert 'f: 12 writers, the published data set has 3383' in caplog.text
