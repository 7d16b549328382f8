import io

import numpy as np
import pytest

from flsec.data import binary_text
from flsec.data.errors import DataFileError


def _stream(text):
  return io.BytesIO(text.encode())


def test_reads_labelled_rows_written_by_hand():
  x, y = binary_text.read_labelled_rows(
    'f', _stream('"13",0,1,1\n7,1,0,0\n'), 3
  )
  np.testing.assert_array_equal(x, [[0, 1, 1], [1, 0, 0]])
  np.testing.assert_array_equal(y, [13, 7])
  assert x.dtype == np.uint8


def test_blank_lines_and_windows_line_ends_are_no_rows():
  x = binary_text.read_rows('f', _stream('0,1\r\n\n1,1\r\n\n'), 2)
  np.testing.assert_array_equal(x, [[0, 1], [1, 1]])


def test_one_feature_a_line():
  x = binary_text.read_rows('f', _stream('0\n1\n'), 1)
  np.testing.assert_array_equal(x, [[0], [1]])


def test_reads_labels():
  y = binary_text.read_labels('f', _stream('3\n"100"\n1.0\n'))
  np.testing.assert_array_equal(y, [3, 100, 1])


def test_random_rows_come_back():
  x = np.random.default_rng(0).integers(0, 2, (70, 33))
  text = ''.join(','.join(map(str, row)) + '\n' for row in x)
  np.testing.assert_array_equal(
    binary_text.read_rows('f', _stream(text), 33), x
  )


@pytest.mark.parametrize(
  'line', ['0,1', '0,1,1,0', '0,2,1', '0,1,x', '0,,11', '10,1,']
)
def test_refuses_a_row_of_other_than_three_binary_features(line):
  with pytest.raises(DataFileError, match='line 2 is not 3 features'):
    binary_text.read_rows('f', _stream(f'1,1,1\n{line}\n'), 3)


def test_refuses_other_separators():
  with pytest.raises(DataFileError, match='line 1 has other separators'):
    binary_text.read_rows('f', _stream('0;1;1\n'), 3)


def test_refuses_a_label_that_is_no_number():
  with pytest.raises(DataFileError, match=r"line 1 has the label b'cat'"):
    binary_text.read_labelled_rows('f', _stream('cat,0,1\n'), 2)
