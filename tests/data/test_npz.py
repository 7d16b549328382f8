import pickle

import numpy as np
import pytest

from flsec.data.errors import DataFileError
from flsec.data.npz import read_npz


@pytest.fixture
def npz(tmp_path):
  path = tmp_path / 'some.npz'
  np.savez_compressed(path, x=np.arange(500), y=np.ones(3), z=np.zeros(2))
  return path


class _Marker:
  """Leaves a file behind when it is unpickled."""

  def __init__(self, path):
    self.path = str(path)

  def __reduce__(self):
    return open, (self.path, 'w')


def test_reads_the_first_alternative_that_is_there(npz):
  z, x = read_npz(npz, ('a', 'b'), ('z', 'x'), ('x', 'y'))
  np.testing.assert_array_equal(z, np.zeros(2))
  np.testing.assert_array_equal(x, np.arange(500))


def test_names_the_arrays_that_are_missing_and_present(npz):
  with pytest.raises(DataFileError, match=r'x, y, z, but not a, b or c') as e:
    read_npz(npz, ('a', 'b'), ('c',))
  assert str(npz) in str(e.value) and 'download it again' in str(e.value)


@pytest.mark.parametrize('kept', [0.0, 0.3, 0.9])
def test_refuses_a_truncated_file(npz, kept):
  content = npz.read_bytes()
  npz.write_bytes(content[: int(kept * len(content))])
  with pytest.raises(DataFileError, match=r'truncated or not an .npz'):
    read_npz(npz, ('x',))


def test_refuses_a_file_with_a_changed_byte(npz):
  content = bytearray(npz.read_bytes())
  content[content.index(b'x.npy') + 40] ^= 255
  npz.write_bytes(bytes(content))
  with pytest.raises(DataFileError, match=r'damaged|cannot be read safely'):
    read_npz(npz, ('x',))


def test_a_pickle_is_refused_and_never_run(tmp_path):
  path, mark = tmp_path / 'mnist.npz', tmp_path / 'mark'
  path.write_bytes(pickle.dumps(_Marker(mark)))
  with pytest.raises(DataFileError, match='is a pickle'):
    read_npz(path, ('x',))
  assert not mark.exists()


def test_an_array_of_objects_is_refused_and_never_run(tmp_path):
  path, mark = tmp_path / 'some.npz', tmp_path / 'mark'
  np.savez(path, x=np.array([_Marker(mark)], dtype=object))
  mark.unlink(missing_ok=True)
  with pytest.raises(DataFileError, match='cannot be read safely'):
    read_npz(path, ('x',))
  assert not mark.exists()
