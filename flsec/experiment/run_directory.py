"""The folder that one run writes: what is in it, and who may write it.

runs/<experiment>/<cell>/
  config.yaml      the resolved configuration; its first line names its
                   fingerprint
  metrics.csv      one row a round
  metrics.jsonl    the same rows
  events.out.*     the same numbers for TensorBoard
  data.json        the files it read, and checksums of what came of them
  labels.npz       how many examples of each class each client holds
  model.json       names and shapes of the weights, and what the model is fed
  votes_1.npz      who reported what in phase 1 (the second), and what went
  checkpoints/     the last two states
  summary.json     final, best and mean numbers
  report.html      tables and pictures
  log.txt          what was logged
  DONE             written last: the run is complete
  FAILED           why the run ended before, if it failed
"""

import contextlib
import io
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any, Optional, Union

import numpy as np

from flsec import atomic_file
from flsec.experiment import config_record, data_record, failure, folder_lock
from flsec.experiment.folder_lock import WAY_OUT, RunDirectoryError

CONFIG = config_record.CONFIG
METRICS_CSV = 'metrics.csv'
METRICS_JSONL = 'metrics.jsonl'
LABELS = 'labels.npz'
VOTES = 'votes_{}.npz'
CHECKPOINTS = 'checkpoints'
SUMMARY = 'summary.json'
DONE = 'DONE'
LOG = 'log.txt'


class RunDirectory(contextlib.AbstractContextManager):
  """A cell's folder, held by this process until `close`.

  Use `open`; as a context manager it releases the folder on exit, and leaves a
  note of the error that ended the run, if one did. Nothing but such a note is
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
      check(folder, config_yaml, fingerprint, resume)
      return cls(folder, 'done', None)
    folder_lock.make(folder)
    folder_lock.make(folder / CHECKPOINTS)
    lock = folder_lock.acquire(folder)
    try:
      return cls(folder, _take(folder, config_yaml, fingerprint, resume), lock)
    except BaseException:
      folder_lock.release(lock)
      raise

  @property
  def is_done(self) -> bool:
    """Whether the run is complete, now."""
    return (self.path / DONE).exists()

  @property
  def checkpoints(self) -> pathlib.Path:
    """The folder of the checkpoints."""
    return self.path / CHECKPOINTS

  def take_data(self, record: Mapping[str, Any]) -> None:
    """Records what the run is made of; see `data_record.take`."""
    data_record.take(self.path, record)

  def write_labels(self, counts: Any, is_malicious: Any) -> None:
    """Records how the clients share the data.

    Args:
      counts: int [num_clients, num_classes], examples of each class.
      is_malicious: bool [num_clients].
    """
    file = io.BytesIO()
    np.savez(
      file,
      counts=np.asarray(counts, np.int64),
      is_malicious=np.asarray(is_malicious, bool),
    )
    atomic_file.write_atomically(self.path / LABELS, file.getvalue())

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
    atomic_file.write_atomically(self.path / DONE, f'{failure.now()}\n')

  def close(self) -> None:
    """Lets another process write the folder."""
    if self._lock is not None:
      folder_lock.release(self._lock)
      self._lock = None

  def __exit__(
    self, kind: Any, error: Optional[BaseException], trace: Any
  ) -> None:
    # An interruption is no failure: the run goes on where it stopped.
    if isinstance(error, Exception) and self._lock is not None:
      # On a full disk there is no note; the error itself is what counts.
      with contextlib.suppress(OSError):
        failure.note(self.path, error)
    self.close()


def is_run(path: Union[str, 'os.PathLike[str]']) -> bool:
  """Tells whether a folder is that of a run, however far it got."""
  folder = pathlib.Path(path)
  return (folder / METRICS_JSONL).exists() or read_fingerprint(
    folder
  ) is not None


def read_fingerprint(path: Union[str, 'os.PathLike[str]']) -> Optional[str]:
  """Returns the fingerprint of a cell's configuration; None if it has none."""
  return config_record.read(pathlib.Path(path)).fingerprint


def _state(folder: pathlib.Path) -> str:
  if (folder / DONE).exists():
    return 'done'
  rows = folder / METRICS_JSONL
  has_rows = rows.exists() and rows.stat().st_size > 0
  has_state = any((folder / CHECKPOINTS).glob('round_*.npz'))
  return 'unfinished' if has_rows or has_state else 'new'


def check(
  folder: pathlib.Path, config_yaml: str, fingerprint: str, resume: bool
) -> str:
  """Tells the state of a cell's folder, changing nothing.

  Args:
    folder: it may be missing.
    config_yaml: as in `RunDirectory.open`.
    fingerprint: as there.
    resume: as there.

  Returns:
    'new', 'unfinished' or 'done'.

  Raises:
    RunDirectoryError: another configuration made it, or it holds an unfinished
      run and `resume` is false.
  """
  state = _state(folder)
  if (folder / CONFIG).exists() or state != 'new':
    config_record.check(folder, config_yaml, fingerprint)
  if state == 'done':
    data_record.check_finished(folder)
  if state == 'unfinished' and not resume:
    raise RunDirectoryError(
      f'{folder} holds an unfinished run of this experiment. Add --resume to '
      f'continue it. {WAY_OUT}'
    )
  return state


def _take(
  folder: pathlib.Path, config_yaml: str, fingerprint: str, resume: bool
) -> str:
  """Decides, with the lock held, whether the folder is ours to write."""
  state = check(folder, config_yaml, fingerprint, resume)
  if not (folder / CONFIG).exists():
    config_record.write(folder, config_yaml, fingerprint)
  failure.clear(folder)
  return state
