"""Reads TFF's EMNIST database, with the result of TFF's own loader."""

import os
import pathlib
import sqlite3
from collections.abc import Iterator

import numpy as np

from flsec.data.errors import DataFileError, Path, guarded
from flsec.data.example_proto import parse_images
from flsec.data.writer_split import NUM_PIXELS, WriterSplit, to_bytes

_AGAIN = 'Delete it and let flsec download it again.'
_CHUNK = 2048  # Rows parsed at a time: 6 MiB of messages.


@guarded(_AGAIN)
def read(path: Path, *, only_digits: bool) -> tuple[WriterSplit, WriterSplit]:
  """Reads the training and the test split.

  One pass over the table for each split: `tff.simulation.datasets.emnist`
  makes a query for each of thousands of clients. The examples and their order
  (clients by name, then as stored) are the same.

  Args:
    path: emnist_all.sqlite.
    only_digits: read the splits `digits_only_*`, else `all_*`.

  Returns:
    The training and the test split.

  Raises:
    DataFileError: not the database, another schema, or damaged rows.
  """
  prefix = 'digits_only' if only_digits else 'all'
  uri = f'{pathlib.Path(os.fspath(path)).absolute().as_uri()}?mode=ro'
  try:
    connection = sqlite3.connect(uri, uri=True)
    try:
      _check_tables(connection)
      train = _read_split(connection, f'{prefix}_train')
      test = _read_split(connection, f'{prefix}_test')
    finally:
      connection.close()
  except sqlite3.Error as error:
    found = f'is not the EMNIST database of TFF ({error})'
    raise DataFileError(path, found, _AGAIN) from error
  except ValueError as error:
    raise DataFileError(path, f'is damaged: {error}', _AGAIN) from error
  return train, test


def _check_tables(connection: sqlite3.Connection) -> None:
  """Refuses views and virtual tables, which run what the file says."""
  made = dict(connection.execute('SELECT name, sql FROM sqlite_master'))
  for name in ('examples', 'client_metadata'):
    sql = str(made.get(name, 'CREATE TABLE')).upper().split()
    if sql[:2] != ['CREATE', 'TABLE'] or 'GENERATED' in sql:
      raise ValueError(f'{name} is no plain table')


def _read_split(connection: sqlite3.Connection, split: str) -> WriterSplit:
  (total,) = connection.execute(
    'SELECT count(*) FROM examples WHERE split_name = ?', (split,)
  ).fetchone()
  x = np.empty((total, NUM_PIXELS), np.uint8)
  y = np.empty(total, np.int64)
  clients: list[str] = []
  for names, messages in _chunks(connection, split):
    if not all(isinstance(name, str) for name in names):
      raise ValueError(f'a client_id of {split} is no text')
    if not all(isinstance(one, bytes) for one in messages):
      raise ValueError(f'an example of {split} is no message')
    rows = slice(len(clients), len(clients) + len(names))
    pixels, y[rows] = parse_images(messages, NUM_PIXELS)
    x[rows] = to_bytes(pixels)
    clients.extend(names)
  _check_metadata(connection, split, clients)
  names, writers = np.unique(np.array(clients, str), return_inverse=True)
  del names
  order = np.argsort(writers, kind='stable')
  if (order[1:] > order[:-1]).all():
    order = slice(None)  # Stored by client already: no second copy.
  return WriterSplit(
    x[order].reshape(-1, 28, 28, 1), y[order], writers[order].astype(np.int32)
  )


def _chunks(
  connection: sqlite3.Connection, split: str
) -> Iterator[tuple[list[str], list[bytes]]]:
  rows = connection.execute(
    'SELECT client_id, serialized_example_proto FROM examples '
    'WHERE split_name = ?',
    (split,),
  )
  while True:
    chunk = rows.fetchmany(_CHUNK)
    if not chunk:
      return
    yield [row[0] for row in chunk], [row[1] for row in chunk]


def _check_metadata(
  connection: sqlite3.Connection, split: str, clients: list[str]
) -> None:
  """Refuses a database whose rows are not those that its index promises."""
  promised = dict(
    connection.execute(
      'SELECT client_id, num_examples FROM client_metadata '
      'WHERE split_name = ?',
      (split,),
    )
  )
  if not all(isinstance(name, str) for name in promised):
    raise ValueError(f'a client_id of the index of {split} is no text')
  names, counts = np.unique(np.array(clients, str), return_counts=True)
  found = dict(zip(names.tolist(), counts.tolist()))
  for name in sorted({*promised, *found}):
    if promised.get(name, 0) != found.get(name, 0):
      raise ValueError(
        f'client {name} of {split} has {found.get(name, 0)} examples, its '
        f'index promises {promised.get(name, 0)}'
      )
