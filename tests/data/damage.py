"""What the tests of damaged data files share."""

import gzip
import io
import tarfile

import numpy as np
import pytest

from flsec.data import archive
from flsec.data.errors import DataFileError


def refused(read, path, message=''):
  with pytest.raises(DataFileError, match=message) as caught:
    read(path)
  assert caught.value.path == str(path)
  assert '\n' not in str(caught.value)


def write_idx(path, *sizes, content=b'', magic=b'\x00\x00\x08', rank=None):
  header = magic + bytes([len(sizes) if rank is None else rank])
  with gzip.open(path, 'wb') as file:
    file.write(header + np.array(sizes, '>u4').tobytes() + content)


def read_archive(path):
  return archive.read_members(path, {'a': lambda stream: stream.read()})


def write_archive(path, *members):
  with tarfile.open(path, 'w:gz', format=tarfile.PAX_FORMAT) as file:
    for member, content in members:
      file.addfile(member, io.BytesIO(content))
