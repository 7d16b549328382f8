"""Tables and pictures of a report as files of their own."""

import pathlib
from collections.abc import Iterable, Sequence

from flsec import atomic_file
from flsec.reporting import formats as formats_lib
from flsec.reporting import picture as picture_lib
from flsec.reporting import style
from flsec.reporting.picture import Picture
from flsec.reporting.table import Table

PICTURES = 'pictures'
TABLES = 'tables'
TABLE_FORMATS = ('csv', 'json', 'md', 'tex')
PICTURE_FORMATS = picture_lib.FORMATS


def write_tables(
  folder: pathlib.Path, tables: Sequence[Table], formats: Sequence[str]
) -> list[pathlib.Path]:
  """Writes each table in each format.

  Args:
    folder: they go to its subfolder `tables`.
    tables: what is written, under their names.
    formats: `csv`, `json`, `md`, `tex`.

  Returns:
    The files.

  Raises:
    OSError: the folder cannot be written.
  """
  return _write(
    folder / TABLES,
    (
      (f'{table.name}.{name}', formats_lib.FORMATS[name](table).encode())
      for table in tables
      for name in formats
    ),
  )


def write_pictures(
  folder: pathlib.Path,
  pictures: Iterable[Picture],
  page: style.Page,
  formats: Sequence[str],
) -> list[pathlib.Path]:
  """Writes each picture that there are numbers for in each format.

  Args:
    folder: they go to its subfolder `pictures`.
    pictures: what is written, under their names.
    page: what they are made for.
    formats: `pdf`, `svg`, `png`.

  Returns:
    The files.

  Raises:
    OSError: the folder cannot be written.
  """
  return _write(
    folder / PICTURES,
    (
      (f'{one.picture.name}.{name}', data)
      for one in picture_lib.render(pictures, page, formats)
      for name, data in one.files.items()
    ),
  )


def _write(
  folder: pathlib.Path, files: Iterable[tuple[str, bytes]]
) -> list[pathlib.Path]:
  written = []
  for name, data in files:
    folder.mkdir(exist_ok=True)
    atomic_file.write_atomically(folder / name, data)
    written.append(folder / name)
  return written
