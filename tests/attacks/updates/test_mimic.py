import numpy as np
import pytest
from crafting import craft, stack

from flsec import attacks


@pytest.mark.parametrize('position', [0, 3])
def test_copies_the_row_at_the_position(position):
  benign = stack(5, 6)
  crafted = craft('mimic', np.zeros((2, 6)), benign, position=position)
  np.testing.assert_array_equal(crafted, benign[[position] * 2])


def test_by_variance_copies_the_row_furthest_along_the_first_component():
  benign = stack(9, 12, seed=7)
  centred = benign.astype(np.float64) - benign.mean(axis=0)
  component = np.linalg.svd(centred)[2][0]
  expected = benign[np.argmax(np.abs(centred @ component))]
  crafted = craft('mimic', np.zeros((1, 12)), benign, position=None)
  np.testing.assert_array_equal(crafted[0], expected)


def test_by_variance_the_largest_row_does_not_decide():
  # Eight rows vary along the first axis, 2 * (9 + 3 * 4), and two along the
  # second, 2 * 16: none of the largest row's is in the leading direction.
  first = [[-2, 0], [2, 0], [3, 0], [-3, 0], [2, 0], [-2, 0], [2, 0], [-2, 0]]
  benign = np.array([*first, [0, 4], [0, -4]], np.float32)
  benign[2] *= 1.1
  benign[3] *= 1.1
  crafted = craft('mimic', np.zeros((1, 2)), benign, position=None)
  np.testing.assert_allclose(np.abs(crafted), [[3.3, 0]], rtol=1e-6)


def test_by_variance_of_equal_rows_copies_the_first():
  crafted = craft('mimic', np.zeros((1, 3)), np.ones((4, 3)), position=None)
  np.testing.assert_array_equal(crafted, np.ones((1, 3)))


def test_a_negative_position_is_refused():
  with pytest.raises(ValueError, match=r'mimic needs position >= 0'):
    attacks.build('mimic', position=-1)


def test_a_position_beyond_the_rows_is_refused():
  with pytest.raises(ValueError, match=r'beyond the 4 rows .*lower it to 3'):
    craft('mimic', np.zeros((1, 3)), np.ones((4, 3)), position=4)
