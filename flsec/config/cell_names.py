"""Names of a sweep's cells: what each varies, then its seed."""

import collections
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from flsec.config.overrides import Override

# A file name may have 255 bytes; temporary names add a few.
_LONGEST_NAME = 160
_UNSAFE = re.compile(r'[^A-Za-z0-9._=,+~()\[\]-]+')


def cell_names(
  cells: Sequence[Sequence[Override]], seeds: Sequence[int]
) -> list[str]:
  """Returns a readable name for each cell: what it varies, then its seed.

  Args:
    cells: for each cell what tells it from the plain file, an axis and its
      choice each; the same axes in each, in the same order.
    seeds: each cell's seed, which is part of the name whether it is varied or
      not.

  Returns:
    Names such as `aggregator=krum,seed=1`, safe as names of folders.
  """
  paths = [override.path for override in cells[0]]
  keys = _short_keys(paths)
  columns = [[cell[i].value for cell in cells] for i in range(len(paths))]
  texts = [_texts(column) for column in columns]
  names = []
  for row, seed in enumerate(seeds):
    parts = [
      f'{keys[path]}={texts[i][row]}'
      for i, path in enumerate(paths)
      if path != 'seed'
    ]
    names.append(_safe(','.join([*parts, f'seed={seed}'])))
  return _unique(names)


def labels(cells: Sequence[Sequence[Override]]) -> list[dict[str, str]]:
  """Returns of each cell what it varies -> its choice, in full.

  Args:
    cells: as of `cell_names`.
  """
  paths = [override.path for override in cells[0]]
  columns = [
    _texts([cell[i].value for cell in cells]) for i in range(len(paths))
  ]
  return [dict(zip(paths, row)) for row in zip(*columns)] or [{}] * len(cells)


def _short_keys(paths: Sequence[str]) -> dict[str, str]:
  """Returns each path's last word, or as many as tell it from the others."""

  def short(path: str, length: int) -> str:
    words = path.split('.')
    # `attack.name` is the attack.
    words = words[:-1] if words[-1] == 'name' and len(words) > 1 else words
    return '.'.join(words[-length:])

  keys = {}
  for path in paths:
    for length in range(1, path.count('.') + 2):
      keys[path] = short(path, length)
      others = [short(other, length) for other in paths if other != path]
      if keys[path] not in others:
        break
  return keys


def _texts(values: Sequence[Any]) -> list[str]:
  """Returns a text for each value; a component's name where that will do."""
  names = {repr(v): v.get('name') for v in values if isinstance(v, Mapping)}
  plain = {v for v in values if isinstance(v, str)}
  clash = len(set(names.values())) < len(names) or plain & set(names.values())
  return [_text(value, brief=not clash) for value in values]


def _text(value: Any, brief: bool = False) -> str:
  if value is None:
    return 'none'
  if isinstance(value, bool):
    return str(value).lower()
  if isinstance(value, Mapping):
    name = str(value.get('name', ''))
    options = ','.join(
      f'{key}={_text(one)}' for key, one in value.items() if key != 'name'
    )
    return name if (name and brief) or not options else f'{name}({options})'
  if isinstance(value, (list, tuple)):
    return '+'.join(map(_text, value)) or 'none'
  return str(value)


def _safe(name: str) -> str:
  safe = _UNSAFE.sub('-', name)
  if len(safe) <= _LONGEST_NAME:
    return safe
  digest = hashlib.sha256(name.encode()).hexdigest()[:8]
  return f'{safe[:_LONGEST_NAME]}~{digest}'


def _unique(names: Sequence[str]) -> list[str]:
  """Numbers the names that two cells would share (`a b` and `a-b`)."""
  seen: collections.Counter[str] = collections.Counter()
  unique = []
  for name in names:
    seen[name] += 1
    unique.append(name if seen[name] == 1 else f'{name}~{seen[name]}')
  return unique
