"""Spans a grid: a list of values for each of some paths, one cell a choice.

    sweep:
      server.aggregator: [mean, krum, {name: trimmed_mean, num_byzantine: 4}]
      seed: [1, 2, 3]

makes nine cells, `aggregator=mean,seed=1` and so on.
"""

import collections
import hashlib
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from flsec.config.errors import ConfigError, found, join
from flsec.config.overrides import Override

# A file name may have 255 bytes; temporary names add a few.
_LONGEST_NAME = 160
_MAX_CELLS = 10_000
_UNSAFE = re.compile(r'[^A-Za-z0-9._=,+~()\[\]-]+')


def choices(sweep: Any, source: str) -> list[tuple[Override, ...]]:
  """Returns the overrides of each cell, the last path varying fastest.

  Args:
    sweep: the mapping under `sweep:`; None for a single cell.
    source: the file, for errors.

  Raises:
    ConfigError: it is no mapping of paths to lists, a list is empty, or holds
      a value twice.
  """
  if sweep is None:
    return [()]
  if not isinstance(sweep, Mapping) or not sweep:
    raise ConfigError(
      'sweep',
      'expected a mapping from paths to lists of values, such as '
      f'`seed: [1, 2, 3]`; found {found(sweep)}.',
      source,
    )
  axes = []
  for path, values in sweep.items():
    if not isinstance(values, list) or not values:
      raise ConfigError(
        join('sweep', path),
        f'expected a list of at least one value; found {found(values)}.',
        source,
      )
    _check_distinct(path, values, source)
    axes.append([Override(path, v, f'{source} (sweep)') for v in values])
  total = math.prod(map(len, axes))
  if total > _MAX_CELLS:
    raise ConfigError(
      'sweep',
      f'spans {total:,} cells; at most {_MAX_CELLS:,} are run. Vary fewer '
      'values, or split it into several files.',
      source,
    )
  return list(itertools.product(*axes))


def check_apart(
  sweep: Sequence[str], overrides: Sequence[Override], source: str
) -> None:
  """Refuses a flag that sets what the sweep of the file varies.

  Raises:
    ConfigError: both say what stands at a path, or one below the other.
  """
  for path in sweep:
    for override in overrides:
      ours, theirs = f'{path}.', f'{override.path}.'
      if ours.startswith(theirs) or theirs.startswith(ours):
        raise ConfigError(
          override.path,
          f'is varied by `sweep: {path}` of {source}, so a single value is '
          f'ambiguous. Give --sweep={path}=[...] instead, or take the path '
          'out of the sweep.',
          override.source,
        )


def cell_names(
  cells: Sequence[Sequence[Override]], seeds: Sequence[int]
) -> list[str]:
  """Returns a readable name for each cell: what it varies, then its seed.

  Args:
    cells: for each cell what tells it from the plain file; the same paths in
      each, in the same order.
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


def _check_distinct(path: str, values: list[Any], source: str) -> None:
  counts = collections.Counter(map(repr, values))
  twice = [text for text, count in counts.items() if count > 1]
  if twice:
    raise ConfigError(
      join('sweep', path), f'holds {twice[0]} twice; keep one.', source
    )


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
