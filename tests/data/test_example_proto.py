import numpy as np
import pytest
from published_files import example_proto

from flsec.data.example_proto import parse_images

_RNG = np.random.default_rng(0)


def _random(count, num_pixels=12):
  return _RNG.random((count, num_pixels), np.float32)


@pytest.mark.parametrize('pixels_first', [False, True])
def test_reads_messages_alike(pixels_first):
  pixels, labels = _random(6), [0, 9, 61, 127, 3, 3]
  messages = [
    example_proto(*pair, pixels_first) for pair in zip(pixels, labels)
  ]
  read, y = parse_images(messages, 12)
  np.testing.assert_array_equal(read, pixels)
  np.testing.assert_array_equal(y, labels)


def test_reads_messages_that_differ_in_layout():
  pixels = _random(6)
  labels = [3, 300, 5, 128, 0, 127]  # Those above 127 take two bytes.
  messages = [
    example_proto(one, label, pixels_first=place % 3 == 1)
    for place, (one, label) in enumerate(zip(pixels, labels))
  ]
  assert len({len(message) for message in messages}) > 1
  read, y = parse_images(messages, 12)
  np.testing.assert_array_equal(read, pixels)
  np.testing.assert_array_equal(y, labels)


def test_first_message_may_be_the_odd_one():
  pixels = _random(3)
  messages = [example_proto(pixels[0], 200)]
  messages += [example_proto(one, 1) for one in pixels[1:]]
  read, y = parse_images(messages, 12)
  np.testing.assert_array_equal(read, pixels)
  np.testing.assert_array_equal(y, [200, 1, 1])


def test_labels_of_two_bytes_are_read_whole():
  pixels, labels = _random(4), [330, 331, 330, 128]
  messages = [example_proto(*pair) for pair in zip(pixels, labels)]
  read, y = parse_images(messages, 12)
  np.testing.assert_array_equal(read, pixels)
  np.testing.assert_array_equal(y, labels)


def test_refuses_another_number_of_pixels():
  with pytest.raises(ValueError, match='44 bytes of pixels, not 48'):
    parse_images([example_proto(_random(1, 11)[0], 1)], 12)


@pytest.mark.parametrize('old', [b'label', b'pixels'])
def test_refuses_a_message_without_a_feature(old):
  message = example_proto(_random(1)[0], 1).replace(old, b'x' * len(old))
  with pytest.raises(ValueError, match=r'not a tf.train.Example.*holds'):
    parse_images([message], 12)


def test_refuses_pixels_that_are_integers():
  swap = {b'label': b'LABEL', b'pixels': b'label\0'}
  message = example_proto(_random(1)[0], 1)
  for old, new in swap.items():
    message = message.replace(old, new)
  with pytest.raises(ValueError, match=r'not a tf.train.Example'):
    parse_images([message], 12)


@pytest.mark.parametrize('place', ['first', 'later'])
def test_refuses_every_truncation(place):
  whole = example_proto(_random(1)[0], 1)
  for size in range(len(whole)):
    messages = [whole, whole[:size]] if place == 'later' else [whole[:size]]
    with pytest.raises(ValueError, match=r'tf.train.Example|bytes of pixels'):
      parse_images(messages, 12)


def test_refuses_several_labels():
  message = example_proto(_random(1)[0], 300)  # Two bytes, b'\xac\x02'.
  message = message.replace(b'\xac\x02', b'\x01\x02')
  with pytest.raises(ValueError, match='more than one label'):
    parse_images([message], 12)
