import numpy as np
import pytest
from published_files import labelled_lines, write_tgz

from flsec.data import tabular
from flsec.data.errors import DataFileError

_X = np.random.default_rng(0).integers(0, 2, (8, 5), dtype=np.uint8)
_Y = np.array([0, 1, 2, 3, 3, 2, 1, 0])


@pytest.mark.parametrize(
  'names', [('x', 'y'), ('X', 'Y'), ('features', 'labels'), ('feats', 'labels')]
)
@pytest.mark.parametrize(
  'labels', [_Y, _Y + 1, np.eye(4)[_Y], _Y.astype(float)]
)
def test_reads_npz_of_every_known_layout(tmp_path, names, labels):
  path = str(tmp_path / 'some.npz')
  np.savez(path, **dict(zip(names, (_X.astype(np.float32), labels))))
  x, y = tabular.read_labelled(path, 'rows', 5, 4)
  np.testing.assert_array_equal(x, _X)
  np.testing.assert_array_equal(y, _Y)
  assert (x.dtype, y.dtype) == (np.uint8, np.int32)


@pytest.mark.parametrize('quote', ['', '"'])
def test_reads_archive(tmp_path, quote):
  lines = labelled_lines(_X, _Y + 1, quote)
  path = str(write_tgz(tmp_path / 'some.tgz', {'rows': lines}))
  x, y = tabular.read_labelled(path, 'rows', 5, 4)
  np.testing.assert_array_equal(x, _X)
  np.testing.assert_array_equal(y, _Y)


@pytest.mark.parametrize(
  ('x', 'message'),
  [
    (_X[:, :4], r'expected features \[M, 5\]'),
    (_X[:5], r'found \[5, 5\] and \[8\]'),
    (_X + 1, 'no 0 or 1'),
    (np.full((8, 5), 'a'), 'no 0 or 1'),
    (_X * 0.5, 'no 0 or 1'),
  ],
)
def test_refuses_other_features(tmp_path, x, message):
  path = str(tmp_path / 'some.npz')
  np.savez(path, x=x, y=_Y)
  with pytest.raises(DataFileError, match=message):
    tabular.read_npz(path, 5, 4)


@pytest.mark.parametrize(
  ('labels', 'span'),
  [([0, 4], '0 to 4'), ([-1, 2], '-1 to 2'), ([1, 3], '1 to 3'), ([2], '2 to')],
)
def test_refuses_labels_out_of_range_or_ambiguous(labels, span):
  with pytest.raises(DataFileError, match=f'run from {span}'):
    tabular.numbered('f', np.array(labels), 4)


@pytest.mark.parametrize('labels', [[0.5, 1], [], [[0], [1]]])
def test_refuses_labels_that_are_no_whole_numbers(labels):
  with pytest.raises(DataFileError, match='no whole numbers'):
    tabular.numbered('f', np.array(labels), 4)


def test_size_is_that_of_the_published_file():
  tabular.check_size('f', _X, _Y, (8, 4))
  for x, y, published in (
    (_X, _Y, (9, 4)),
    (_X, _Y, (8, 5)),
    (_X, _Y[:7], (8, 4)),
  ):
    with pytest.raises(DataFileError, match='verify_checksum'):
      tabular.check_size('f', x, y, published)
