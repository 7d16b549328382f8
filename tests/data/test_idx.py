import gzip

import numpy as np
import pytest
from published_files import idx_bytes, random_images

from flsec.data.errors import DataFileError
from flsec.data.idx import read_idx


def _write(path, content):
  with gzip.open(path, 'wb') as file:
    file.write(content)
  return path


@pytest.mark.parametrize('shape', [(), (28,), (28, 28)])
def test_reads_what_the_header_says(tmp_path, shape):
  array = random_images(5, shape)
  path = _write(tmp_path / 'a-ubyte.gz', idx_bytes(array))
  np.testing.assert_array_equal(read_idx(path), array)


def test_reads_a_file_written_by_hand(tmp_path):
  content = bytes([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9])
  path = _write(tmp_path / 'a-ubyte.gz', content)
  np.testing.assert_array_equal(read_idx(path), [[7, 8, 9]])


def test_refuses_a_truncated_gzip(tmp_path):
  path = _write(tmp_path / 'a.gz', idx_bytes(random_images(50, (28,))))
  path.write_bytes(path.read_bytes()[:-20])
  with pytest.raises(DataFileError, match='truncated or not gzip'):
    read_idx(path)


def test_refuses_what_is_not_gzip(tmp_path):
  path = tmp_path / 'a.gz'
  path.write_bytes(idx_bytes(random_images(2, (3,))))
  with pytest.raises(DataFileError, match='truncated or not gzip'):
    read_idx(path)


@pytest.mark.parametrize(
  'content',
  [b'', b'\x00\x00\x08', b'\x00\x00\x0d\x01\x00\x00\x00\x00', b'\x01' * 40],
)
def test_refuses_what_is_not_idx(tmp_path, content):
  with pytest.raises(DataFileError, match='not an IDX file of bytes'):
    read_idx(_write(tmp_path / 'a.gz', content))


@pytest.mark.parametrize('change', [-1, 1])
def test_refuses_another_length_than_promised(tmp_path, change):
  content = idx_bytes(random_images(4, (2,)))
  content = content[:-1] if change < 0 else content + b'\0'
  with pytest.raises(DataFileError) as error:
    read_idx(_write(tmp_path / 'a.gz', content))
  assert f'promises 8 bytes, it holds {8 + change}' in str(error.value)
