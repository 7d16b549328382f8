import numpy as np
import pytest

from flsec import data
from flsec.data.sources.digits import resize


def test_shape_size_and_classes():
  digits = data.load('digits')
  assert digits.x_train.shape == (1438, 28, 28, 1)
  assert digits.x_test.shape == (359, 28, 28, 1)
  assert digits.x_train.dtype == np.uint8 and digits.y_train.dtype == np.int32
  assert digits.num_classes == 10 and digits.is_image
  counts = np.bincount(digits.y_train) + np.bincount(digits.y_test)
  np.testing.assert_array_equal(
    counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
  )


def test_test_share_is_the_same_in_each_class():
  digits = data.load('digits')
  for label in range(10):
    train = np.sum(digits.y_train == label)
    test = np.sum(digits.y_test == label)
    assert test == round(0.2 * (train + test))


def test_pixels_span_the_whole_range():
  digits = data.load('digits')
  assert (digits.x_train.min(), digits.x_train.max()) == (0, 255)


def test_split_is_deterministic():
  first, second = data.load('digits'), data.load('digits')
  np.testing.assert_array_equal(first.x_test, second.x_test)
  other = data.load('digits', split_seed=1, test_fraction=0.5)
  assert len(other.y_test) != len(first.y_test)


def test_refuses_a_test_share_out_of_range():
  with pytest.raises(ValueError, match='test_fraction'):
    data.load('digits', test_fraction=1.0)


def _resize_reference(image, side):
  """Bilinear, half-pixel centres, one pixel at a time."""
  old = len(image)
  out = np.empty((side, side))
  for row in range(side):
    for column in range(side):
      at = []
      for place in (row, column):
        centre = min(max((place + 0.5) * old / side - 0.5, 0), old - 1)
        low = min(int(centre), old - 2)
        at.append((low, centre - low))
      (r, a), (c, b) = at
      out[row, column] = (
        (1 - a) * (1 - b) * image[r, c]
        + (1 - a) * b * image[r, c + 1]
        + a * (1 - b) * image[r + 1, c]
        + a * b * image[r + 1, c + 1]
      )
  return out


def test_resize_equals_a_loop_over_pixels():
  images = np.random.default_rng(0).random((3, 8, 8))
  expected = [_resize_reference(image, 28) for image in images]
  np.testing.assert_allclose(resize(images, 28), expected, atol=1e-12)


def test_resize_keeps_a_constant_and_the_same_size():
  np.testing.assert_allclose(resize(np.full((1, 8, 8), 0.3), 28), 0.3)
  images = np.random.default_rng(0).random((2, 8, 8))
  np.testing.assert_allclose(resize(images, 8), images)
