"""Tells what `flsec convert` makes of a folder of configurations.

usage: python scripts/conversions.py FOLDER...

Converts every YAML file below the folders, those of hidden ones left out,
checks each result against its model as the command does, and prints two tables
in Markdown: what was converted, and what was refused, for which reasons.
"""

import collections
import pathlib
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Optional

from flsec.config import loading, reference_stack, yaml_file
from flsec.config.errors import ConfigError
from flsec.experiment import converted


class Verdict(NamedTuple):
  """What became of a file.

  Attributes:
    kind: of experiment it is, where it was converted.
    reasons: why it was refused.
  """

  kind: Optional[tuple[str, ...]]
  reasons: tuple[str, ...]


def verdict(path: pathlib.Path) -> Verdict:
  """Converts one file, in memory."""
  try:
    config = reference_stack.convert(yaml_file.read_any(str(path))).config
    converted.check(loading.from_mapping(config))
  except ConfigError as error:
    return Verdict(None, tuple(_reasons(str(error))))
  attack = config.get('attack')
  return Verdict(
    (
      config['dataset']['name'],
      config['model']['name'],
      _attack(attack) if attack else 'nobody attacks',
    ),
    (),
  )


def files(folders: Iterable[str]) -> list[pathlib.Path]:
  """Returns the YAML files below the folders."""
  found = []
  for folder in map(pathlib.Path, folders):
    if not folder.is_dir():
      sys.exit(f'{folder} is no folder.')
    for path in sorted(folder.rglob('*.y*ml')):
      parts = path.relative_to(folder).parts
      if not any(part.startswith('.') for part in parts):
        found.append(path)
  return found


def tables(verdicts: Sequence[Verdict]) -> str:
  """Returns both tables, the larger numbers first."""
  kinds = collections.Counter(one.kind for one in verdicts if one.kind)
  refused = [one.reasons for one in verdicts if not one.kind]
  named = collections.Counter(reason for one in refused for reason in set(one))
  alone = collections.Counter(one[0] for one in refused if len(one) == 1)
  lines = [
    f'{sum(kinds.values())} converted:',
    '',
    '| files | data set | model | attack |',
    '|---|---|---|---|',
    *(
      f'| {count} | {" | ".join(kind)} |'
      for kind, count in sorted(kinds.items(), key=_largest_first)
    ),
    '',
    f'{len(refused)} refused, some for several reasons:',
    '',
    '| files | for this reason alone | reason |',
    '|---|---|---|',
    *(
      f'| {count} | {alone[reason]} | {reason} |'
      for reason, count in sorted(named.items(), key=_largest_first)
    ),
  ]
  return '\n'.join(lines)


def _largest_first(item: tuple[Any, int]) -> tuple[int, Any]:
  return -item[1], item[0]


def _attack(attack: Mapping[str, Any]) -> str:
  """Returns an attack's name, and those of the attacks that it wraps."""
  inner = attack.get('attack')
  own = attack['name']
  return own if inner is None else f'{own} of {_attack(inner)}'


def _reasons(message: str) -> list[str]:
  """Returns the reasons of a refusal, each without its path and its advice."""
  advice = r'(?:; there (?:is|are) .*|\. Say .*)?'
  reasons = re.findall(rf'^  \S+: (.*?){advice}$', message, re.M)
  return reasons or [message.partition(':')[0]]


if __name__ == '__main__':
  if len(sys.argv) < 2:
    sys.exit(__doc__)
  print(tables([verdict(path) for path in files(sys.argv[1:])]))
