"""LOCATION30, PURCHASE100 and TEXAS100, which are published alike."""

import os

import numpy as np
import pytest
from published_files import labelled_lines, lines, write_tgz

from flsec import data
from flsec.data.errors import DataFileError
from flsec.data.sources import location30, purchase100, texas100

_FOLDER = os.environ.get('FLSEC_DATA_DIR', '')
_SETS = {
  'location30': (446, 30, 'dataset_location.tgz'),
  'purchase100': (600, 100, 'dataset_purchase.tgz'),
  'texas100': (6169, 100, 'dataset_texas.tgz'),
}
_MODULES = {
  'location30': location30,
  'purchase100': purchase100,
  'texas100': texas100,
}
_every_set = pytest.mark.parametrize('name', sorted(_SETS))


def _examples(name, num_rows=220):
  features, classes, _ = _SETS[name]
  rng = np.random.default_rng(0)
  x = rng.integers(0, 2, (num_rows, features), dtype=np.uint8)
  return x, np.arange(num_rows) % classes


def _write(folder, name, x, y):
  """Writes the published archive; published labels run from 1."""
  path = folder / _SETS[name][2]
  if name == 'texas100':
    feats = b''.join(lines(x))
    labels = b''.join(b'%d\n' % label for label in y + 1)
    members = {'texas/100/feats': feats, 'texas/100/labels': labels}
    return write_tgz(path, {'texas/': b'', **members})
  member = {'location30': 'bangkok', 'purchase100': 'dataset_purchase'}[name]
  quote = '"' if name == 'location30' else ''
  return write_tgz(path, {member: labelled_lines(x, y + 1, quote)})


def _load(folder, name, **options):
  options = {'verify_checksum': False, 'num_train': 200, **options}
  return data.load(name, str(folder), **options)


def _rows(*parts):
  return sorted(
    (int(y), x.tobytes()) for xs, ys in parts for x, y in zip(xs, ys)
  )


@_every_set
@pytest.mark.parametrize('is_npz', [False, True])
def test_every_row_is_read_once(tmp_path, name, is_npz):
  x, y = _examples(name)
  if is_npz:
    np.savez(tmp_path / f'{name}.npz', features=x, labels=y)
  else:
    _write(tmp_path, name, x, y)
  read = _load(tmp_path, name)
  assert (len(read.y_train), len(read.y_test)) == (200, 20)
  both = _rows((read.x_train, read.y_train), (read.x_test, read.y_test))
  assert both == _rows((x, y))
  features, classes, _ = _SETS[name]
  assert read.input_shape == (features,) and read.num_classes == classes
  assert read.x_train.dtype == np.uint8 and (read.scale, read.shift) == (1, 0)
  assert not read.is_image and read.name == name


@_every_set
def test_nothing_is_unpacked(tmp_path, name):
  path = _write(tmp_path, name, *_examples(name))
  _load(tmp_path, name)
  assert list(tmp_path.iterdir()) == [path]


@_every_set
def test_split_seed_chooses_the_split(tmp_path, name):
  _write(tmp_path, name, *_examples(name))
  first, same, other = (
    _load(tmp_path, name, split_seed=seed).y_test for seed in (0, 0, 1)
  )
  np.testing.assert_array_equal(first, same)
  assert not np.array_equal(first, other)


@_every_set
def test_refuses_another_than_the_published_file(tmp_path, name):
  _write(tmp_path, name, *_examples(name))
  with pytest.raises(DataFileError, match='verify_checksum') as error:
    _load(tmp_path, name, verify_checksum=True)
  assert _SETS[name][2] in str(error.value)


@_every_set
def test_refuses_an_archive_whose_path_leaves_its_folder(tmp_path, name):
  write_tgz(tmp_path / _SETS[name][2], {'../../etc/cron.d/evil': b'!'})
  with pytest.raises(DataFileError, match='leaves the folder'):
    _load(tmp_path, name)


@_every_set
def test_refuses_a_truncated_archive(tmp_path, name):
  path = _write(tmp_path, name, *_examples(name))
  path.write_bytes(path.read_bytes()[:-4000])
  with pytest.raises(DataFileError, match='truncated or not a'):
    _load(tmp_path, name)


@_every_set
def test_refuses_a_label_out_of_range(tmp_path, name):
  x, y = _examples(name)
  y[3] = _SETS[name][1]
  _write(tmp_path, name, x, y)
  with pytest.raises(DataFileError, match='its labels run from 1 to'):
    _load(tmp_path, name)


@_every_set
def test_a_missing_archive_is_downloaded(tmp_path, monkeypatch, name):
  def fetch(origin, folder):
    assert origin.endswith(_SETS[name][2]) and folder == str(tmp_path)
    return str(_write(tmp_path, name, *_examples(name)))

  monkeypatch.setattr(_MODULES[name], 'fetch_with_keras', fetch)
  assert len(_load(tmp_path, name).y_train) == 200


@pytest.mark.parametrize('name', ['purchase100', 'texas100'])
def test_published_size_passes(tmp_path, monkeypatch, name):
  _write(tmp_path, name, *_examples(name))
  monkeypatch.setattr(_MODULES[name], '_NUM_ROWS', 220)
  read = _load(tmp_path, name, verify_checksum=True)
  assert len(read.y_train) + len(read.y_test) == 220


def test_texas_refuses_labels_that_do_not_match(tmp_path):
  x, y = _examples('texas100')
  write_tgz(
    tmp_path / 'dataset_texas.tgz',
    {
      'texas/100/feats': b''.join(lines(x[:-1])),
      'texas/100/labels': b''.join(b'%d\n' % label for label in y + 1),
    },
  )
  with pytest.raises(DataFileError, match='219 rows of features and 220 lab'):
    _load(tmp_path, 'texas100')


@pytest.mark.skipif(
  not os.path.exists(os.path.join(_FOLDER, 'dataset_location.tgz')),
  reason='needs dataset_location.tgz in $FLSEC_DATA_DIR',
)
def test_the_real_location30():
  read = data.load('location30', _FOLDER)  # Checks the checksum.
  assert (len(read.y_train), len(read.y_test)) == (4000, 1010)
  assert set(np.unique(read.y_train)) == set(range(30))
  # The largest class as published, "8", is counted from 0 here.
  counts = np.bincount(np.concatenate([read.y_train, read.y_test]))
  assert counts.argmax() == 7 and counts[7] == 308
