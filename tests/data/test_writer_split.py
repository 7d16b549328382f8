import numpy as np
import pytest

from flsec.data.writer_split import to_bytes


def test_every_byte_comes_back():
  values = np.arange(256, dtype=np.uint8)[None]
  np.testing.assert_array_equal(to_bytes(np.float32(values) / 255), values)


def test_no_images_stay_no_images():
  assert to_bytes(np.empty((0, 784), np.float32)).shape == (0, 784)


@pytest.mark.parametrize('bad', [-0.1, 1.1, np.nan, np.inf])
def test_refuses_pixels_out_of_range(bad):
  with pytest.raises(ValueError, match=r'pixels must be in \[0, 1\]'):
    to_bytes(np.array([[0.0, bad]]))


def test_refuses_pixels_that_a_byte_cannot_hold():
  with pytest.raises(ValueError, match='multiples of 1/255'):
    to_bytes(np.array([[0.5]]))  # 127.5.


@pytest.mark.filterwarnings('error')
def test_pixel_at_the_end_of_float32_is_refused_without_a_warning():
  with pytest.raises(ValueError, match=r'must be in \[0, 1\]'):
    to_bytes(np.full((1, 2), 3e38, np.float32))
