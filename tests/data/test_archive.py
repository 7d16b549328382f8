import tarfile

import pytest
from published_files import write_tgz

from flsec.data.archive import read_members
from flsec.data.errors import DataFileError

_READ = {'a/b': lambda stream: stream.read()}


def test_reads_wanted_members_and_writes_nothing(tmp_path):
  path = write_tgz(
    tmp_path / 'some.tgz', {'./c': b'no', './a/b': b'yes', 'd': b'two\nlines'}
  )
  made = read_members(path, {**_READ, 'd': list})
  assert made == {'a/b': b'yes', 'd': [b'two\n', b'lines']}
  assert [p.name for p in tmp_path.iterdir()] == ['some.tgz']


@pytest.mark.parametrize(
  'name', ['../evil', 'a/../../evil', '/etc/evil', 'a\\..\\evil', '..']
)
@pytest.mark.parametrize('evil_comes_first', [True, False])
def test_refuses_a_path_that_leaves_the_folder(
  tmp_path, name, evil_comes_first
):
  members = {name: b'!', 'a/b': b'yes'}
  if not evil_comes_first:
    members = dict(reversed(members.items()))
  path = write_tgz(tmp_path / 'some.tgz', members)
  with pytest.raises(DataFileError, match='leaves the folder') as error:
    read_members(path, _READ)
  assert 'Do not unpack it' in str(error.value)


def test_dots_within_a_name_are_no_path(tmp_path):
  path = write_tgz(tmp_path / 'some.tgz', {'x..y': b'', 'a/b': b'yes'})
  assert read_members(path, _READ) == {'a/b': b'yes'}


@pytest.mark.parametrize('kind', [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_refuses_a_link(tmp_path, kind):
  path = write_tgz(tmp_path / 'some.tgz', {'a/b': b''}, {'a/b': kind})
  with pytest.raises(DataFileError, match='a/b in it is not a plain file'):
    read_members(path, _READ)


def test_names_a_missing_member(tmp_path):
  path = write_tgz(tmp_path / 'some.tgz', {'a/c': b''})
  with pytest.raises(DataFileError, match='holds no a/b'):
    read_members(path, _READ)


@pytest.mark.parametrize('kept', [0, 40, 3000])
def test_refuses_a_truncated_archive(tmp_path, kept):
  noise = bytes(i * i % 251 for i in range(9000)) + b'0123456789' * 999
  path = write_tgz(tmp_path / 'some.tgz', {'a/b': noise})
  content = path.read_bytes()
  path.write_bytes(content[: min(kept, len(content) // 2)])
  with pytest.raises(DataFileError, match=r'truncated or not a .tgz'):
    read_members(path, _READ)


def test_an_error_of_the_reader_is_passed_on(tmp_path):
  def refuse(stream):
    raise DataFileError('some.tgz', 'is odd', 'Mend it.')

  path = write_tgz(tmp_path / 'some.tgz', {'a/b': b''})
  with pytest.raises(DataFileError, match='is odd'):
    read_members(path, {'a/b': refuse})
