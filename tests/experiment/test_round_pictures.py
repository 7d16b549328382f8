"""What loggers are shown of a round."""

import numpy as np

from flsec.experiment import round_pictures

_OUTPUT = {
  'norm': np.array([1.0, 2.0, 30.0, np.inf, 5.0, 60.0], np.float32),
  'rank': np.array([-1, -1, 0, -1, -1, 1]),
  'weight': np.array([4, 4, 4, 4, 0, 4]),
  'is_finite': np.array([True, True, True, False, True, True]),
}


class _Writer:
  def __init__(self, rows=6):
    self.rows, self.histograms, self.images = [None] * rows, {}, {}

  def write_histogram(self, name, values, step):
    self.histograms[name, step] = list(values)

  def write_image(self, name, image, step):
    self.images[name, step] = image


def test_lengths_of_those_that_take_part_by_who_sent_them():
  writer = _Writer()
  round_pictures.write(writer, _OUTPUT, None)
  assert writer.histograms == {
    ('update_norm/benign', 7): [1.0, 2.0],
    ('update_norm/malicious', 7): [30.0, 60.0],
  }
  assert not writer.images


def test_without_attackers_there_is_one_histogram():
  writer = _Writer()
  output = {**_OUTPUT, 'rank': np.full(6, -1)}
  round_pictures.write(writer, output, None)
  assert list(writer.histograms) == [('update_norm/benign', 7)]


def test_confusion_is_the_share_of_each_class():
  writer = _Writer()
  confusion = np.array([[3, 1, 0], [0, 0, 0], [0, 5, 5]])
  round_pictures.write(writer, _OUTPUT, confusion)
  cells = writer.images['test/confusion', 7][13:, 9:, 0]
  # 255 - 255 s, of the shares 3/4 and 1/4, none, and a half.
  np.testing.assert_array_equal(
    cells[10::20, 10::20], [[64, 191, 255], [255] * 3, [255, 127, 127]]
  )


def test_of_many_rounds_fifty_are_shown_and_the_last():
  shown = [n for n in range(1, 121) if round_pictures.is_shown(n, 120)]
  assert shown == list(range(3, 121, 3))
  assert all(round_pictures.is_shown(n, 30) for n in range(1, 31))
  assert round_pictures.is_shown(121, 121)
