"""Tables of shares as pictures."""

import numpy as np
import pytest

from flsec.experiment import cell_map, pixel_text


def test_shades_are_the_shares_and_numbers_stand_beside():
  shares = np.array([[0.0, 0.5], [1.0, np.nan], [0.25, 0.0]])
  picture = cell_map.cell_map(shares)
  # Numbers are six pixels wide and ten high, with three to the cells.
  assert picture.shape == (13 + 60, 9 + 40, 1) and picture.dtype == np.uint8
  cells = picture[13:, 9:, 0]
  np.testing.assert_array_equal(
    cells[10::20, 10::20], [[255, 127], [0, 255], [191, 255]]
  )
  np.testing.assert_array_equal(
    picture[13 + 20 + 5 : 13 + 20 + 15, :6, 0], pixel_text.text('1', 2)
  )
  np.testing.assert_array_equal(
    picture[:10, 9 + 7 : 9 + 13, 0], pixel_text.text('0', 2)
  )


@pytest.mark.parametrize(
  ('cells', 'shape'),
  [(16, (13 + 320, 17 + 320)), (64, (13 + 768, 17 + 768)), (65, (260, 260))],
)
def test_many_are_smaller_and_last_without_numbers(cells, shape):
  assert cell_map.cell_map(np.zeros((cells, cells))).shape == (*shape, 1)
