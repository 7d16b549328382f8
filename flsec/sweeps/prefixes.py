"""Which cells of a sweep train the same rounds first.

Cells that differ in their later phases share their first phase of training;
those that differ in their attack share the rounds before it starts.
"""

import collections
import hashlib
import json
import pathlib
from collections.abc import Sequence
from typing import Any, Optional

from flsec.config import dump
from flsec.config.schema import Experiment
from flsec.experiment.prefix import Prefix

FOLDER = '.shared'
_KEY_LENGTH = 16
# Only these draw a round's clients without looking at who is malicious.
_BLIND_SELECTIONS = ('all', 'uniform')


def find(
  experiments: Sequence[Experiment], root: pathlib.Path
) -> list[tuple[Prefix, ...]]:
  """Finds what cells have in common.

  Args:
    experiments: of the cells, resolved.
    root: the folder of the sweep.

  Returns:
    For each cell the prefixes that it shares with another one, the longest
    first. What only a built model can tell, `shared_rounds` looks at.
  """
  found: list[list[Prefix]] = [[] for _ in experiments]
  for is_before_attack, keys in (
    (False, [_training_key(one) for one in experiments]),
    (True, _keys_before_attack(experiments)),
  ):
    groups = collections.defaultdict(list)
    for index, key in enumerate(keys):
      if key is not None:
        groups[key].append(index)
    for key, members in groups.items():
      own = [experiments[index] for index in members]
      last = min(_last_shared(one, is_before_attack) for one in own)
      if len(members) < 2 or last < 1:
        continue
      folder = root / FOLDER / _hash([key, last])
      for index in members:
        found[index].append(Prefix(folder, last, is_before_attack))
  return [
    tuple(sorted(set(one), key=lambda prefix: -prefix.last_round))
    for one in found
  ]


def in_order(
  experiments: Sequence[Experiment], prefixes: Sequence[Sequence[Prefix]]
) -> list[int]:
  """Returns the numbers of the cells, those last that can only take."""
  waits = [
    one.attack is None and any(p.is_before_attack for p in shared)
    for one, shared in zip(experiments, prefixes)
  ]
  return sorted(range(len(experiments)), key=waits.__getitem__)


def _rounds_of_training(experiment: Experiment) -> int:
  first = experiment.phases[0]
  return first.options.get('rounds') or experiment.rounds


def _training_key(experiment: Experiment) -> Optional[str]:
  """Names all that the first phase of training depends on."""
  if experiment.phases[0].name != 'train':
    return None
  plain = _plain(experiment)
  return json.dumps(['training', plain], sort_keys=True, default=repr)


def _keys_before_attack(
  experiments: Sequence[Experiment],
) -> list[Optional[str]]:
  """Names all that the rounds before the attack depend on.

  Rows tell benign clients from malicious ones, so that attacked cells share
  only with others whose clients are the same. A cell without an attack joins
  the first attacked ones that it otherwise agrees with.
  """
  keys: list[Optional[str]] = []
  for one in experiments:
    is_apart = one.clients.selection not in _BLIND_SELECTIONS
    is_first = one.attack is not None and one.attack.start_round == 1
    if is_apart or is_first or one.phases[0].name != 'train':
      keys.append(None)
      continue
    plain = _plain(one)
    plain.pop('attack')
    keys.append(
      json.dumps(['before', plain, _who(one)], sort_keys=True, default=repr)
    )
  for index, one in enumerate(experiments):
    if one.attack is None and keys[index] is not None:
      same = json.loads(keys[index])[:2]
      others = [
        key
        for key, other in zip(keys, experiments)
        if key is not None and other.attack and json.loads(key)[:2] == same
      ]
      keys[index] = others[0] if others else None
  return keys


def _who(experiment: Experiment) -> Any:
  """Says who is malicious; with `holders` the attack itself decides."""
  attack = experiment.attack
  if attack is None:
    return None
  told = [attack.num_byzantine, attack.placement, attack.indices]
  if attack.placement == 'holders':
    told.append(dump.to_dict(experiment)['attack'])
  return told


def _last_shared(experiment: Experiment, is_before_attack: bool) -> int:
  rounds = _rounds_of_training(experiment)
  if is_before_attack and experiment.attack is not None:
    return min(rounds, experiment.attack.start_round - 1)
  return rounds


def _plain(experiment: Experiment) -> dict[str, Any]:
  """Returns the settings that training depends on, of the first phase alone."""
  plain = dump.identity(experiment)
  plain['phases'] = plain['phases'][:1]
  return plain


def _hash(value: Any) -> str:
  text = json.dumps(value, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()[:_KEY_LENGTH]
