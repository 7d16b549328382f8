"""Rounds that one cell of a sweep trains for several.

Whoever comes first trains them, and keeps of each round what the server made of
it; the others take it from there, and measure it as they would have measured
their own. Numbers and weights are the same, bit for bit.
"""

import collections
import dataclasses
import io
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np
import tensorflow as tf

from flsec import atomic_file
from flsec.config import dump, schema
from flsec.experiment import checkpoint, folder_lock
from flsec.experiment.assembly import Assembly
from flsec.experiment.prefix import Prefix

_FACTS = 'facts.json'
_EVALUATED = 'evaluated'
_WEIGHTS = 'weights'
# Measured with an eye on who is malicious.
_OF_ATTACK = ('attack/', 'escape/')
# What a cell may lack in another one's state: its own is at its beginning.
_OWN = ('attack',)
_MAY_BEGIN = ('removed',)


@dataclasses.dataclass(frozen=True)
class Round:
  """A round that another cell has trained.

  Attributes:
    state: the server's, after it. Within the prefix only its `round` counts.
    output: what the server measured.
    weights: float32 [d]; None where the round's model was not tested.
    evaluated: the test's numbers; None where another attack was looked at.
  """

  state: Any
  output: Mapping[str, np.ndarray]
  weights: Optional[np.ndarray]
  evaluated: Optional[dict[str, float]]


class SharedRounds:
  """What a cell takes from others, and what it keeps for them.

  Attributes:
    last_taken: the last round that is taken; 0: none is.
  """

  def __init__(
    self,
    prefixes: Sequence[Prefix],
    experiment: schema.Experiment,
    assembled: Assembly,
    *,
    uses_xla: bool,
    data: Mapping[str, Any],
    state: Any,
    finished: int,
  ) -> None:
    """Looks at what there is.

    Args:
      prefixes: of the cell, the longest first.
      experiment: the cell's.
      assembled: the same, put together.
      uses_xla: whether XLA compiles the rounds.
      data: what `data.json` says of the data.
      state: the server's before round 1.
      finished: rounds that earlier sessions of this cell have finished.
    """
    self._assembled, self._first = assembled, state
    self._facts = _facts(experiment, assembled, data, state, uses_xla)
    self._taken: Optional[Prefix] = None
    self._kept: list[Prefix] = []
    self._locks: list[int] = []
    for prefix in prefixes:
      if prefix.is_complete:
        if self._taken is None and not finished and self._may_take(prefix):
          self._taken = prefix
      elif self._may_keep(prefix, finished):
        self._kept.append(prefix)
    self.last_taken = self._taken.last_round if self._taken else 0

  def take(self, number: int) -> Round:
    """Returns a round up to `last_taken`."""
    folder = self._taken.folder
    with np.load(_round_file(folder, number)) as archive:
      found = {name: archive[name] for name in archive.files}
    evaluated = json.loads(str(found.pop(_EVALUATED)))
    if _read_facts(folder)['attack'] != self._facts['attack']:
      evaluated = None
    weights = found.pop(_WEIGHTS, None)
    output = collections.OrderedDict(
      (name[len('output/') :], value) for name, value in found.items()
    )
    return Round(
      self._state_after(number), self._as_own(output), weights, evaluated
    )

  def keep(
    self,
    number: int,
    state: Any,
    output: Mapping[str, Any],
    evaluated: Mapping[str, float],
  ) -> None:
    """Keeps a round for others, and the state after the last one."""
    for prefix in self._kept:
      if number > prefix.last_round:
        continue
      arrays = {f'output/{name}': np.asarray(v) for name, v in output.items()}
      arrays[_EVALUATED] = np.array(json.dumps(dict(evaluated)))
      if evaluated:
        arrays[_WEIGHTS] = np.asarray(state['weights'])
      buffer = io.BytesIO()
      np.savez(buffer, **arrays)
      path = _round_file(prefix.folder, number)
      atomic_file.write_atomically(path, buffer.getvalue())
      if number == prefix.last_round:
        # By this file a prefix is complete.
        checkpoint.save(prefix.folder, number, state)

  def close(self) -> None:
    """Lets others keep what this cell has not."""
    for lock in self._locks:
      folder_lock.release(lock)
    self._locks = []

  def _may_take(self, prefix: Prefix) -> bool:
    theirs, ours = _read_facts(prefix.folder), self._facts
    if theirs is None:
      return False
    is_same = all(
      theirs[key] == ours[key]
      for key in ('data', 'weights', 'streams', 'uses_xla')
    )
    if ours['uses_xla'] and theirs['program'] != ours['program']:
      return False  # Other programs round otherwise.
    needed = [n for n in ours['state'] if n not in (*_OWN, *_MAY_BEGIN)]
    has_state = all(n in theirs['state'] for n in needed)
    # What is measured on the stack knows who is malicious.
    knows = ours['streams'] or ours['malicious'] in (None, theirs['malicious'])
    return is_same and has_state and knows

  def _may_keep(self, prefix: Prefix, finished: int) -> bool:
    """Tells whether this cell trains the rounds for others."""
    folder = prefix.folder
    if prefix.is_before_attack and self._assembled.plan.attack is None:
      return False
    try:
      folder_lock.make(folder)
      lock = folder_lock.acquire(folder)
    except folder_lock.RunDirectoryError:
      return False  # Another one does.
    before = _read_facts(folder)
    has_before = all(
      _round_file(folder, n).exists() for n in range(1, finished + 1)
    )
    if (finished and before != self._facts) or not has_before:
      folder_lock.release(lock)
      return False
    text = json.dumps(self._facts, indent=1)
    atomic_file.write_atomically(folder / _FACTS, text)
    self._locks.append(lock)
    return True

  def _state_after(self, number: int) -> Any:
    if number < self.last_taken:
      state = collections.OrderedDict(self._first)
      state['round'] = tf.constant(number)
      return state
    leaves = checkpoint.read(self._taken.folder)
    state = collections.OrderedDict()
    for name, value in self._first.items():
      own = [leaf for path, leaf in leaves.items() if path[0] == name]
      is_own = name in _OWN or not own
      state[name] = (
        value
        if is_own
        else tf.nest.pack_sequence_as(value, list(map(tf.constant, own)))
      )
    return state

  def _as_own(self, output: Mapping[str, np.ndarray]) -> Any:
    """Returns what the round would have measured of this cell's attackers."""
    malicious = self._assembled.malicious
    ranks = np.where(malicious, np.cumsum(malicious) - 1, -1)
    own = collections.OrderedDict(output)
    own['rank'] = ranks[output['client_id']].astype(np.int32)
    if self._assembled.plan.attack is None:
      for name in output:
        if name.startswith(_OF_ATTACK):
          del own[name]
    return own


def _round_file(folder: pathlib.Path, number: int) -> pathlib.Path:
  return folder / f'output_{number:06d}.npz'


def _read_facts(folder: pathlib.Path) -> Optional[dict[str, Any]]:
  try:
    return json.loads((folder / _FACTS).read_text(encoding='utf-8'))
  except (OSError, ValueError):
    return None


def _facts(
  experiment: schema.Experiment,
  assembled: Assembly,
  data: Mapping[str, Any],
  state: Any,
  uses_xla: bool,
) -> dict[str, Any]:
  """Returns what two cells must agree on, as JSON has it."""
  plan = assembled.plan
  plain = dump.to_dict(experiment)
  has_attack = plan.attack is not None
  facts = {
    'data': data['crc32'],
    'weights': plan.model.weight_names(),
    'streams': plan.streams,
    'uses_xla': uses_xla,
    'program': [plan.keeps_removed, plain['attack']],
    'malicious': assembled.malicious.tolist() if has_attack else None,
    'attack': plain['attack'],
    'state': list(state),
  }
  return json.loads(json.dumps(facts, default=repr))
