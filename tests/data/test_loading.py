import numpy as np
import pytest
from published_files import write_npz

from flsec import data


def test_loads_by_name_with_options(tmp_path):
  arrays = write_npz(tmp_path / 'mnist.npz')
  mnist = data.load('mnist', str(tmp_path), verify_checksum=False)
  assert mnist.name == 'mnist'
  np.testing.assert_array_equal(mnist.x_test[..., 0], arrays['x_test'])


def test_default_folder_is_that_of_the_environment(tmp_path, monkeypatch):
  monkeypatch.setenv('FLSEC_DATA_DIR', str(tmp_path))
  write_npz(tmp_path / 'mnist.npz')
  assert len(data.load('mnist', verify_checksum=False).y_train) == 20


def test_refuses_unknown_names_and_options(tmp_path):
  with pytest.raises(ValueError, match="did you mean 'mnist'"):
    data.load('mnits', str(tmp_path))
  with pytest.raises(ValueError, match=r"dataset 'mnist'.*'verify_checksum'"):
    data.load('mnist', str(tmp_path), verify_checksums=False)


def test_refuses_a_missing_option():
  from flsec.data.loading import check_options

  check_options('partition', 'imbalance', {'degree': 0.5})
  with pytest.raises(ValueError, match="'imbalance' needs the option 'degree'"):
    check_options('partition', 'imbalance', {})
