"""The folder that one run writes: what is in it, and who may write it.

runs/<experiment>/<cell>/
  config.yaml      the resolved configuration; its first line names its
                   fingerprint
  metrics.csv      one row a round
  metrics.jsonl    the same rows
  events.out.*     the same numbers for TensorBoard
  labels.npz       how many examples of each class each client holds
  checkpoints/     the last two states
  summary.json     final, best and mean numbers
  report.html      tables and pictures
  DONE             written last: the run is complete
"""

import contextlib
import datetime
import difflib
import errno
import fcntl
import json
import os
import pathlib
import re
import socket
from collections.abc import Mapping
from typing import Any, Optional, Union

import numpy as np
from absl import logging

import flsec
from flsec import atomic_file

CONFIG = 'config.yaml'
METRICS_CSV = 'metrics.csv'
METRICS_JSONL = 'metrics.jsonl'
LABELS = 'labels.npz'
CHECKPOINTS = 'checkpoints'
SUMMARY = 'summary.json'
DONE = 'DONE'
LOCK = '.lock'

_FINGERPRINT = re.compile(r'^# flsec \S+, fingerprint (\S+)$')
_WAY_OUT = (
  'Choose another --output_dir or name, or move the folder out of the way.'
)
_DIFFERENCES_SHOWN = 6


class RunDirectoryError(ValueError):
  """A run directory cannot be used; the message says the way out."""


class RunDirectory(contextlib.AbstractContextManager):
  """A cell's folder, held by this process until `close`.

  Use `open`; as a context manager it releases the folder on exit. Nothing is
  ever deleted here.

  Attributes:
    path: the folder.
    state: as found by `open`: 'new' (no round was finished in it),
      'unfinished' (to be resumed) or 'done' (to be skipped; nothing may be
      written).
  """

  def __init__(
    self, path: pathlib.Path, state: str, lock: Optional[int]
  ) -> None:
    self.path = path
    self.state = state
    self._lock = lock

  @classmethod
  def open(
    cls,
    path: Union[str, 'os.PathLike[str]'],
    config_yaml: str,
    fingerprint: str,
    resume: bool,
  ) -> 'RunDirectory':
    """Creates a cell's folder or takes up the one that is there.

    Args:
      path: the folder; it and its parents are made where missing.
      config_yaml: the resolved configuration, as YAML text.
      fingerprint: one word that two configurations share exactly when their
        runs give the same numbers.
      resume: whether an unfinished run may be continued.

    Returns:
      The directory. Its `state` says what the caller has to do.

    Raises:
      RunDirectoryError: the folder was made by another configuration, holds an
        unfinished run and `resume` is false, is being written by another
        process, or cannot be written.
    """
    if not fingerprint or any(c.isspace() for c in fingerprint):
      raise ValueError(
        f'A fingerprint is one word; got {fingerprint!r}. Use a hash.'
      )
    folder = pathlib.Path(path)
    if _state(folder) == 'done':
      _check_config(folder, config_yaml, fingerprint)
      return cls(folder, 'done', None)
    _make(folder)
    lock = _acquire(folder)
    try:
      return cls(folder, _take(folder, config_yaml, fingerprint, resume), lock)
    except BaseException:
      _release(lock)
      raise

  @property
  def is_done(self) -> bool:
    """Whether the run is complete, now."""
    return (self.path / DONE).exists()

  @property
  def checkpoints(self) -> pathlib.Path:
    """The folder of the checkpoints."""
    return self.path / CHECKPOINTS

  def write_labels(self, counts: Any, is_malicious: Any) -> None:
    """Records how the clients share the data.

    Args:
      counts: int [num_clients, num_classes], examples of each class.
      is_malicious: bool [num_clients].
    """
    path = self.path / LABELS
    partial = path.with_name(path.name + atomic_file.PARTIAL_SUFFIX)
    with open(partial, 'wb') as file:
      np.savez(
        file,
        counts=np.asarray(counts, np.int64),
        is_malicious=np.asarray(is_malicious, bool),
      )
    os.replace(partial, path)

  def finish(self, summary: Mapping[str, Any]) -> None:
    """Writes `summary.json`, then `DONE`: the run is complete.

    Raises:
      RunDirectoryError: the run was complete before, or the folder was closed.
    """
    if self._lock is None:
      raise RunDirectoryError(
        f'{self.path} is not held for writing (state {self.state!r}), so it '
        'cannot be marked as done. Open it and keep it open until then.'
      )
    text = json.dumps(summary, indent=2, allow_nan=False) + '\n'
    atomic_file.write_atomically(self.path / SUMMARY, text)
    now = datetime.datetime.now(datetime.timezone.utc)
    atomic_file.write_atomically(
      self.path / DONE, f'{now.isoformat(timespec="seconds")}\n'
    )

  def close(self) -> None:
    """Lets another process write the folder."""
    if self._lock is not None:
      _release(self._lock)
      self._lock = None

  def __exit__(self, *error: Any) -> None:
    self.close()


def read_fingerprint(path: Union[str, 'os.PathLike[str]']) -> Optional[str]:
  """Returns the fingerprint of a cell's configuration; None if it has none."""
  try:
    with open(pathlib.Path(path) / CONFIG, encoding='utf-8') as file:
      match = _FINGERPRINT.match(file.readline().rstrip('\n'))
  except (FileNotFoundError, UnicodeDecodeError):
    return None
  return match.group(1) if match else None


def _state(folder: pathlib.Path) -> str:
  if (folder / DONE).exists():
    return 'done'
  rows = folder / METRICS_JSONL
  has_rows = rows.exists() and rows.stat().st_size > 0
  has_state = any((folder / CHECKPOINTS).glob('round_*.npz'))
  return 'unfinished' if has_rows or has_state else 'new'


def _take(
  folder: pathlib.Path, config_yaml: str, fingerprint: str, resume: bool
) -> str:
  """Decides, with the lock held, whether the folder is ours to write."""
  state = _state(folder)
  if (folder / CONFIG).exists() or state != 'new':
    _check_config(folder, config_yaml, fingerprint)
  if state == 'unfinished' and not resume:
    raise RunDirectoryError(
      f'{folder} holds an unfinished run of this experiment. Add --resume to '
      f'continue it. {_WAY_OUT}'
    )
  if not (folder / CONFIG).exists():
    header = f'# flsec {flsec.__version__}, fingerprint {fingerprint}\n'
    atomic_file.write_atomically(folder / CONFIG, header + config_yaml)
  return state


def _check_config(
  folder: pathlib.Path, config_yaml: str, fingerprint: str
) -> None:
  """Refuses a folder that another configuration made."""
  found = read_fingerprint(folder)
  if found == fingerprint:
    return
  if found is None:
    raise RunDirectoryError(
      f'{folder} holds a run whose {CONFIG} is missing or names no '
      f'fingerprint, so it cannot be told which experiment made it. {_WAY_OUT}'
    )
  recorded = (folder / CONFIG).read_text(encoding='utf-8').splitlines()[1:]
  lines = difflib.unified_diff(recorded, config_yaml.splitlines(), n=0)
  changes = [
    line for line in lines if line[0] in '+-' and line[:3] not in ('+++', '---')
  ]
  shown = '\n  '.join(changes[:_DIFFERENCES_SHOWN])
  more = len(changes) - _DIFFERENCES_SHOWN
  shown += f'\n  ... and {more} more' if more > 0 else ''
  raise RunDirectoryError(
    f'{folder} was made by another configuration (fingerprint {found}; this '
    f'one has {fingerprint}). What differs, - there, + here:\n  {shown}\n'
    f'{_WAY_OUT}'
  )


def _make(folder: pathlib.Path) -> None:
  try:
    (folder / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise _unwritable(folder, error) from error


def _unwritable(folder: pathlib.Path, error: OSError) -> RunDirectoryError:
  return RunDirectoryError(
    f'The run directory {folder} cannot be written: {error.strerror}. Choose a '
    'folder of yours with --output_dir, or change the permissions of this one.'
  )


def _acquire(folder: pathlib.Path) -> Optional[int]:
  """Locks the folder; the system releases it however the process ends."""
  path = folder / LOCK
  try:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
  except OSError as error:
    raise _unwritable(folder, error) from error
  try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except OSError as error:
    holder = os.read(lock, 200).decode('utf-8', 'replace').strip()
    os.close(lock)
    if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
      raise RunDirectoryError(
        f'{folder} is being written by another process ({holder or "unknown"})'
        f'. Wait for it or end it. {_WAY_OUT}'
      ) from error
    raise _unwritable(folder, error) from error
  os.ftruncate(lock, 0)
  os.write(lock, f'process {os.getpid()} on {socket.gethostname()}\n'.encode())
  logging.vlog(1, 'Holding %s', path)
  return lock


def _release(lock: Optional[int]) -> None:
  if lock is not None:
    os.ftruncate(lock, 0)
    os.close(lock)
