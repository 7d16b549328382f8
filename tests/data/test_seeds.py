import pytest

from flsec.data.seeds import generator


def _draw(*stream):
  return generator(*stream).integers(1 << 62)


def test_same_stream_same_numbers():
  assert _draw(7, 'selection', 3) == _draw(7, 'selection', 3)


def test_streams_differ():
  streams = [(7, 'a'), (8, 'a'), (7, 'b'), (7, 'a', 1), (7, 'a', 2), (7, 1)]
  assert len({_draw(*stream) for stream in streams}) == len(streams)


@pytest.mark.parametrize('stream', [(-1, 'a'), (1, 'a', -2)])
def test_refuses_negative_numbers(stream):
  with pytest.raises(ValueError, match='at least 0; got seed='):
    generator(*stream)
