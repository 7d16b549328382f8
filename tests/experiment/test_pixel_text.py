"""Numbers drawn by hand, looked at dot by dot."""

import numpy as np

from flsec.experiment import pixel_text


def _rows(drawn):
  return [''.join('#' if dot == 0 else '.' for dot in row) for row in drawn]


def test_a_text_is_its_glyphs_side_by_side():
  assert _rows(pixel_text.text('7>10', 1)) == [
    '###.#....#..###',
    '..#..#..##..#.#',
    '.#....#..#..#.#',
    '.#...#...#..#.#',
    '.#..#...###.###',
  ]


def test_scale_makes_squares_of_dots():
  small, large = pixel_text.text('3', 1), pixel_text.text('3', 3)
  assert large.shape == (15, 9)
  np.testing.assert_array_equal(large[1::3, 1::3], small)
  np.testing.assert_array_equal(large[0::3, 2::3], small)


def test_all_digits_differ():
  drawn = {pixel_text.text(word, 1).tobytes() for word in '0123456789>-'}
  assert len(drawn) == 12


def test_captioned_tiles_keep_their_pixels():
  rng = np.random.default_rng(0)
  tiles = rng.integers(0, 256, (3, 28, 28, 3), np.uint8)
  captions = ['1>2', '3>4', '0']
  picture = pixel_text.captioned(tiles, captions)
  # Each three times as large, two pixels of white on every side, below ten of
  # text between two of white each; two a row, since sqrt(3 102 / 88) is 1.9.
  assert picture.shape == (2 * 102, 2 * 88, 3) and picture.dtype == np.uint8
  for index, tile in enumerate(tiles):
    top, left = index // 2 * 102, index % 2 * 88
    shown = picture[top + 16 : top + 100, left + 2 : left + 86]
    np.testing.assert_array_equal(shown[1::3, 1::3], tile)
    words = pixel_text.text(captions[index], 2)
    begin = left + 2 + (84 - words.shape[1]) // 2
    head = picture[top + 2 : top + 12, begin : begin + words.shape[1], 0]
    np.testing.assert_array_equal(head, words)
  assert (picture[102:, 88:] == 255).all()  # There is no fourth.


def test_a_caption_wider_than_its_tile_is_whole():
  tiles = np.zeros((1, 90, 4, 1), np.uint8)
  picture = pixel_text.captioned(tiles, ['10>11'])
  words = pixel_text.text('10>11', 2)
  np.testing.assert_array_equal(picture[2:12, 2:-2, 0], words)
