"""Reads CIFAR's Python batches without unpickling them.

A pickle is a program that its reader runs, so that a file of unknown origin
can run anything. Here the program is only listed, by the standard library's
disassembler, and its constants are picked out.
"""

import pickletools

import numpy as np

from flsec.data import limits
from flsec.data.errors import DataFileError, Path, guarded

_STRINGS = {
  'STRING',
  'SHORT_BINSTRING',
  'BINSTRING',
  'SHORT_BINBYTES',
  'BINBYTES',
  'SHORT_BINUNICODE',
  'BINUNICODE',
  'UNICODE',
}
_NUMBERS = {'INT', 'BININT', 'BININT1', 'BININT2', 'LONG1'}
_AGAIN = 'Delete it and download it again.'


@guarded(_AGAIN)
def read_batch(path: Path, row_size: int) -> tuple[np.ndarray, np.ndarray]:
  """Reads `data` and `labels` of one CIFAR batch.

  Args:
    path: the batch, as `cifar-10-python.tar.gz` has it.
    row_size: bytes of an image.

  Returns:
    uint8 [M, row_size] and int64 [M].

  Raises:
    DataFileError: truncated, or another layout than CIFAR's.
  """
  limits.check_file(path)
  with open(path, 'rb') as file:
    content = file.read()
  try:
    labels, data, is_column_major = _constants(content)
  except (ValueError, IndexError) as error:
    found = f'is truncated or not a batch of CIFAR ({error})'
    raise DataFileError(path, found, _AGAIN) from error
  if not labels or len(data) != row_size * len(labels):
    raise DataFileError(
      path,
      f'holds {len(data)} bytes of images for {len(labels)} labels; expected '
      f'{row_size} for each',
      _AGAIN,
    )
  shape = (len(labels), row_size)
  order = 'F' if is_column_major else 'C'
  pixels = np.frombuffer(data, np.uint8).reshape(shape, order=order)
  return pixels, np.array(labels, np.int64)


def _constants(content: bytes) -> tuple[list[int], bytes, bool]:
  """Returns the labels, the bytes of `data`, and whether column by column."""
  labels: list[int] = []
  data, is_column_major, latest_flag = b'', False, False
  key = ''
  for opcode, argument, _ in pickletools.genops(content):
    if opcode.name in _STRINGS:
      text = _as_bytes(argument)
      if text in (b'labels', b'data', b'filenames', b'batch_label'):
        key = text.decode()
      elif key == 'data' and len(text) > len(data):
        data, is_column_major = text, latest_flag
    elif opcode.name in _NUMBERS and key == 'labels':
      labels.append(int(argument))
    elif opcode.name in ('NEWTRUE', 'NEWFALSE'):
      latest_flag = opcode.name == 'NEWTRUE'  # ndarray's last: is it Fortran's?
  return labels, data, is_column_major


def _as_bytes(argument: object) -> bytes:
  if isinstance(argument, bytes):
    return argument
  # The disassembler shows Python 2's byte strings as Latin-1 text; other text
  # can be no pixels.
  return str(argument).encode('latin-1', 'replace')
