"""Which files a run read, and whether they are still what they were.

Hashing them goes on beside other work.
"""

import dataclasses
import hashlib
import os
import zlib
from collections.abc import Iterable, Mapping
from concurrent import futures
from typing import Any, Optional

import numpy as np

from flsec.data.dataset import Federation

_BLOCK_BYTES = 1 << 20
# More are one entry: a folder of images is no list to read.
_MOST_LISTED = 100


@dataclasses.dataclass(frozen=True)
class File:
  """A file as it was when it was read.

  Attributes:
    path: absolute.
    bytes: its size.
    modified: when it was changed last, ns since 1970.
    sha256: of its bytes, in hexadecimal.
  """

  path: str
  bytes: int
  modified: int
  sha256: str

  @classmethod
  def of(cls, path: str) -> 'File':
    """Reads and hashes a file."""
    found = os.stat(path)
    return cls(path, found.st_size, found.st_mtime_ns, _sha256(path))


class Inputs:
  """What a run was made from, hashed in a thread of its own."""

  def __init__(self, files: Iterable[str], federation: Federation):
    """Begins to hash.

    Args:
      files: paths of what was read.
      federation: what came of it; its arrays must not change.
    """
    pool = futures.ThreadPoolExecutor(1, thread_name_prefix='hash')
    self._record = pool.submit(_record, sorted(files), _arrays(federation))
    pool.shutdown(wait=False)

  def record(self) -> dict[str, Any]:
    """Returns what `summary.json` says of the data: see `_record`."""
    return self._record.result()


def changed_files(record: Mapping[str, Any]) -> list[str]:
  """Says of each file in a record how it differs now; [] where none does.

  A file is read only where its size is the same and its time is not. One that
  is gone changes nothing that was made of it.
  """
  found = [_difference(File(**one)) for one in record.get('files', ())]
  return [one for one in found if one]


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Optional[str]:
  """Says how the data of a run's first rounds differ from those now."""
  if old.get('crc32') == new.get('crc32'):
    return None
  changed = changed_files(old)
  if changed:
    return '; '.join(changed)
  if [f['path'] for f in old['files']] != [f['path'] for f in new['files']]:
    return 'other files were read'
  return (
    'the same files gave other examples; draws in the code of a data set need '
    'a seed'
  )


def _arrays(federation: Federation) -> list[np.ndarray]:
  """Lists all that a run's numbers depend on of its data."""
  sets = federation.test, federation.root, federation.validation
  return [
    federation.x,
    federation.y,
    federation.offsets,
    np.array([federation.scale, federation.shift, federation.num_classes]),
    *(array for one in sets if one for array in (one.x, one.y)),
  ]


def _record(files: list[str], arrays: list[np.ndarray]) -> dict[str, Any]:
  """Returns what is on record of a run's data.

  `crc32` is that of the examples, labels and shares as they are used; `files`
  lists path, bytes, modified (ns since 1970) and sha256 of each; of more than
  `_MOST_LISTED` there are their number and bytes alone, `not_listed`.
  """
  check = 0
  for array in arrays:
    check = zlib.crc32(f'{array.dtype.str}{array.shape}'.encode(), check)
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    check = zlib.crc32(flat, check)
  record: dict[str, Any] = {'crc32': f'{check:08x}', 'files': []}
  present = [path for path in files if os.path.isfile(path)]
  if len(present) > _MOST_LISTED:
    size = sum(os.path.getsize(path) for path in present)
    record['not_listed'] = {'files': len(present), 'bytes': size}
  else:
    record['files'] = [dataclasses.asdict(File.of(path)) for path in present]
  return record


def _difference(old: File) -> Optional[str]:
  try:
    now = os.stat(old.path)
  except OSError:
    return None
  if now.st_size != old.bytes:
    return f'{old.path} had {old.bytes:,} bytes and has {now.st_size:,}'
  if now.st_mtime_ns == old.modified or _sha256(old.path) == old.sha256:
    return None
  return f'{old.path} has another checksum (SHA-256) than it had'


def _sha256(path: str) -> str:
  digest = hashlib.sha256()
  with open(path, 'rb') as file:
    while block := file.read(_BLOCK_BYTES):
      digest.update(block)
  return digest.hexdigest()
