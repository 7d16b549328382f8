"""Saves and restores the state of a run, durably and exactly.

A checkpoint is one `round_000007.npz`: the leaves of the state as arrays, and a
manifest with their paths and a SHA-256 over all of it. It holds no pickles and
nothing compressed, so that reading a stranger's checkpoint runs no code and
takes no more memory than its size.
"""

import hashlib
import io
import json
import pathlib
import re
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any, Optional, Union

import numpy as np
from absl import logging

from flsec import atomic_file
from flsec.experiment import state_tree
from flsec.experiment.state_tree import Path

KEPT = 2
_FORMAT = 3
_NAME = re.compile(r'^round_(\d+)\.npz$')
_MANIFEST = 'manifest'

PathLike = Union[str, pathlib.Path]


class CheckpointError(ValueError):
  """A checkpoint cannot be used for this run."""


class _Corrupt(Exception):
  """A file is not a whole checkpoint."""


def save(
  directory: PathLike, round_number: int, state: Any, *, keep: int = KEPT
) -> pathlib.Path:
  """Saves a state; older checkpoints go once this one is durable.

  Args:
    directory: the folder of the checkpoints; made where it is missing in a
      folder that is there. (A run directory that went away is not made anew.)
    round_number: the last finished round.
    state: dicts, lists, tuples (empty ones too), named tuples, dataclasses and
      attrs classes of arrays, eager tensors, Python numbers, strings and None.
    keep: how many checkpoints up to this round stay, at least 1.

  Returns:
    The file.

  Raises:
    TypeError: a leaf cannot be stored without pickling.
    OSError: the disk is full, or the folder is gone.
  """
  if keep < 1:
    raise ValueError(f'keep must be at least 1 checkpoint; got {keep}.')
  folder = pathlib.Path(directory)
  with atomic_file.naming(folder):
    folder.mkdir(exist_ok=True)
  path = folder / f'round_{round_number:06d}.npz'
  atomic_file.write_atomically(path, _encode(round_number, state))
  older = [(n, p) for n, p in _found(folder) if n <= round_number]
  for _, stale in older[keep:]:
    stale.unlink()
  return path


def restore(
  directory: PathLike, template: Any, *, last_round: Optional[int] = None
) -> Optional[tuple[int, Any]]:
  """Restores the latest checkpoint that is whole.

  Args:
    directory: the folder of the checkpoints.
    last_round: the last round that has all rows of metrics before it, its own
      included; checkpoints of later rounds are passed over. None: any.
    template: a state of the same structure, such as a fresh initial state;
      dtypes and shapes of its arrays are checked.

  Returns:
    The round after which it was saved and the state, in which arrays and
    tensors are NumPy arrays; None if there is no checkpoint.

  Raises:
    CheckpointError: the state in it has another structure, or there are
      checkpoints and none is whole and has its rows.
  """
  found = _found(pathlib.Path(directory))
  reasons = []
  for round_number, path in found:
    if last_round is not None and round_number > last_round:
      reasons.append(
        f'{path.name}: the rows of metrics.jsonl are whole up to round '
        f'{last_round} only'
      )
    else:
      try:
        leaves = _decode(path, round_number)
      except _Corrupt as error:
        reasons.append(f'{path.name} is damaged ({error})')
      else:
        return round_number, _rebuild(template, leaves, path)
    logging.warning('Checkpoint %s; trying the one before.', reasons[-1])
  if found:
    raise CheckpointError(
      f'None of the {len(found)} checkpoints in {directory} is whole '
      f'({"; ".join(reasons)}). Restore the files, or move the run directory '
      'away and start the run anew.'
    )
  return None


def read(directory: PathLike) -> dict[Path, np.ndarray]:
  """Reads the latest checkpoint, whatever its structure.

  Returns:
    Its leaves by their paths.

  Raises:
    CheckpointError: there is none, or the latest is damaged.
  """
  found = _found(pathlib.Path(directory))
  if not found:
    raise CheckpointError(f'There is no checkpoint in {directory}.')
  round_number, path = found[0]
  try:
    return _decode(path, round_number)
  except _Corrupt as error:
    raise CheckpointError(f'{path} is damaged ({error}).') from error


def _found(folder: pathlib.Path) -> list[tuple[int, pathlib.Path]]:
  """Returns (round, file) of every checkpoint, latest first."""
  if not folder.is_dir():
    return []
  matches = [(_NAME.match(path.name), path) for path in folder.iterdir()]
  return sorted(((int(m[1]), p) for m, p in matches if m), reverse=True)


def _encode(round_number: int, state: Any) -> bytes:
  """Returns the bytes of the `.npz`."""
  leaves = list(state_tree.leaves_of(state))
  arrays = {f'leaf_{i:05d}': array for i, (_, array) in enumerate(leaves)}
  manifest = {
    'format': _FORMAT,
    'round': int(round_number),
    'paths': [list(path) for path, _ in leaves],
  }
  manifest['sha256'] = _digest(manifest, arrays.values())
  arrays[_MANIFEST] = np.frombuffer(json.dumps(manifest).encode(), np.uint8)
  buffer = io.BytesIO()
  np.savez(buffer, **arrays)
  return buffer.getvalue()


def _decode(path: pathlib.Path, round_number: int) -> dict[Path, np.ndarray]:
  """Reads and checks the file of a round.

  Raises:
    _Corrupt: it is truncated, or its bytes are not those that were saved.
    CheckpointError: another version of flsec wrote it in another format.
  """
  try:
    with np.load(path, allow_pickle=False) as archive:
      _check_stored(archive.zip)
      arrays = {name: archive[name] for name in archive.files}
    manifest = json.loads(arrays.pop(_MANIFEST).tobytes())
    version = manifest['format']
    if version != _FORMAT:
      raise CheckpointError(
        f'{path} has format {version}; this flsec reads format {_FORMAT}. '
        'Resume with the version that wrote it, or start the run anew.'
      )
    digest = manifest.pop('sha256')
    ordered = [arrays[name] for name in sorted(arrays)]
    is_whole = digest == _digest(manifest, ordered)
    leaves = dict(zip(map(tuple, manifest['paths']), ordered))
    found_round = manifest['round']
  except CheckpointError:
    raise
  except Exception as error:  # A parser of foreign bytes may raise any.
    first = (str(error).splitlines() or [''])[0][:200]
    raise _Corrupt(f'{type(error).__name__}: {first}') from error
  if not is_whole or len(leaves) != len(ordered):
    raise _Corrupt('its SHA-256 does not match')
  if found_round != round_number:
    raise _Corrupt(f'it holds round {found_round}')
  return leaves


def _check_stored(archive: zipfile.ZipFile) -> None:
  """Refuses members that would unpack to more than they take in the file."""
  for member in archive.infolist():
    if member.compress_type != zipfile.ZIP_STORED:
      raise ValueError(f'{member.filename} is compressed')


def _digest(manifest: Mapping[str, Any], arrays: Iterable[np.ndarray]) -> str:
  sha = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode())
  for array in arrays:
    sha.update(f'{array.dtype.str} {array.shape}'.encode())
    sha.update(np.ascontiguousarray(array).tobytes())
  return sha.hexdigest()


def _rebuild(
  template: Any, leaves: dict[Path, np.ndarray], path: pathlib.Path
) -> Any:
  """Puts the leaves into the template's structure."""
  found = state_tree.difference(template, leaves)
  if found:
    raise CheckpointError(
      f'{path} was saved by another kind of run: {found}. Resume with the '
      'configuration and version that wrote it, or start the run anew.'
    )
  return state_tree.fill(template, leaves)
