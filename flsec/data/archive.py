"""Reads members of .tgz archives in memory; nothing is written to disk."""

import tarfile
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO, Callable

from flsec.data import limits
from flsec.data.errors import DataFileError, Path, guarded

_AGAIN = 'Delete it and download it again.'
_MAX_HEADER_BYTES = 2**16
# Long names, long links and what pax adds: read into memory as they come.
_HEADER_TYPES = (
  tarfile.GNUTYPE_LONGNAME,
  tarfile.GNUTYPE_LONGLINK,
  tarfile.XHDTYPE,
  tarfile.XGLTYPE,
  tarfile.SOLARIS_XHDTYPE,
)


@guarded(_AGAIN)
def read_members(
  path: Path, readers: Mapping[str, Callable[[BinaryIO], Any]]
) -> dict[str, Any]:
  """Reads members of an archive, once, from front to back.

  Args:
    path: a gzipped tar file.
    readers: for each wanted member, without a leading `./`, the function that
      makes something of its stream.

  Returns:
    What each reader made, by member.

  Raises:
    DataFileError: truncated, not a .tgz, a wanted member is missing or not a
      plain file, or any member's path leaves the archive's folder.
  """
  made = {}
  unpacked = 0
  try:
    with tarfile.open(path, 'r|gz', tarinfo=_Member) as archive:
      for member in archive:
        unpacked += member.size
        limits.check_size(
          path, f'what it unpacks to, up to {member.name!r},', unpacked
        )
        name = _checked_name(path, member)
        if name not in readers or name in made:
          continue
        if not member.isreg():
          raise DataFileError(path, f'{name} in it is not a plain file', _AGAIN)
        made[name] = readers[name](archive.extractfile(member))
  except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
    found = f'is truncated or not a .tgz ({error})'
    raise DataFileError(path, found, _AGAIN) from error
  missing = [name for name in readers if name not in made]
  if missing:
    raise DataFileError(path, f'holds no {missing[0]}', _AGAIN)
  return made


class _Member(tarfile.TarInfo):
  """A member whose headers are no larger than a path needs."""

  def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
    if self.type in _HEADER_TYPES and self.size > _MAX_HEADER_BYTES:
      raise tarfile.ReadError(f'a header of {self.size:,} bytes')
    return super()._proc_member(archive)


def _checked_name(path: Path, member: tarfile.TarInfo) -> str:
  """Returns the member's name; refuses one outside of the archive's folder.

  Nothing is ever unpacked here, but an archive that tries is not the
  published one.
  """
  parts = member.name.split('/')
  if member.name.startswith('/') or '..' in parts or '\\' in member.name:
    raise DataFileError(
      path,
      f'its member {member.name!r} leaves the folder of the archive',
      'Do not unpack it: delete it and download it from its published address.',
    )
  return '/'.join(part for part in parts if part not in ('', '.'))
