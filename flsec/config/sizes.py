"""Sizes of one experiment: the paper's own, and smaller ones beside it.

    rounds: 2500
    sweep: {seed: [1, 2, 3]}
    sizes:
      small:
        rounds: 100
        dataset.num_train: 5000
        sweep: {seed: [1]}

`--size=small` runs the second one. `full` is the file as it stands.
"""

from collections.abc import Mapping
from typing import Any

from flsec.config import overrides
from flsec.config import sweep as sweep_lib
from flsec.config.errors import ConfigError, closest, found, join
from flsec.config.overrides import Override
from flsec.config.sweep import Sweep

FULL = 'full'
_MEASURES_OF_SIZE = ('rounds', 'clients', 'dataset')
_KEY = 'sizes'


def names(raw: Mapping[str, Any], source: str) -> list[str]:
  """Returns the sizes that a file has, `full` first.

  Args:
    raw: what the file holds.
    source: the file, for errors.

  Raises:
    ConfigError: its `sizes` is no mapping of names to mappings.
  """
  given = raw.get(_KEY)
  if given is None:
    return [FULL]
  if not isinstance(given, Mapping) or not all(
    isinstance(changes, Mapping) and changes for changes in given.values()
  ):
    raise ConfigError(
      _KEY,
      'expected what each size changes, such as `small: {rounds: 10}`; found '
      f'{found(given)}.',
      source,
    )
  if FULL in given:
    raise ConfigError(
      join(_KEY, FULL),
      'is the file as it stands, and changes nothing. Choose another name.',
      source,
    )
  return [FULL, *given]


def changed(raw: Mapping[str, Any], size: str) -> frozenset[str]:
  """Returns what a size sets otherwise, besides its name and what it varies.

  Args:
    raw: what the file holds.
    size: one of its sizes.
  """
  if size == FULL:
    return frozenset()
  return frozenset(raw[_KEY][size]) - {'sweep', 'name'}


def is_smaller(raw: Mapping[str, Any], size: str) -> bool:
  """Tells whether a size has other rounds, clients, data or another model.

  One option of the model, `model.standardize`, makes nothing smaller.

  Args:
    raw: what the file holds.
    size: one of its sizes.
  """
  return any(
    key == 'model' or key.split('.')[0] in _MEASURES_OF_SIZE
    for key in changed(raw, size)
  )


def resize(
  raw: Mapping[str, Any], size: str, source: str
) -> tuple[dict[str, Any], Sweep]:
  """Returns an experiment in one of its sizes, and what it varies.

  The name of the experiment is followed by the size's, `_small`, where it does
  not set one itself, so that runs of two sizes have folders of their own.

  Args:
    raw: what the file holds.
    size: which one.
    source: the file, for errors.

  Raises:
    ConfigError: there is no such size, or a part is wrong.
  """
  known = names(raw, source)
  plain = {k: v for k, v in raw.items() if k not in (_KEY, 'sweep')}
  varied = sweep_lib.parse(raw.get('sweep'), source)
  if size not in known:
    raise ConfigError(
      _KEY,
      f'has no {size!r}{closest(size, known)} Sizes: {", ".join(known)}.',
      source,
    )
  if size == FULL:
    return plain, varied
  where = f'{source} ({_KEY}.{size})'
  changes = dict(raw[_KEY][size])
  axes = changes.pop('sweep', {})
  if not isinstance(axes, Mapping):
    raise ConfigError(
      join(join(_KEY, size), 'sweep'),
      f'expected a mapping; found {found(axes)}.',
      source,
    )
  if 'name' in plain:
    changes.setdefault('name', f'{plain["name"]}_{size}')
  changed = [Override(path, value, where) for path, value in changes.items()]
  varied = sweep_lib.change(varied, axes, where)
  sweep_lib.check_apart(varied.paths, changed, source)
  return overrides.apply(plain, changed), varied
