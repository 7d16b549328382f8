"""`flsec list`: every registered component, read from its source text.

`flsec list experiments` is another list, that of the papers' tables.
"""

import typing
from collections.abc import Mapping, Sequence
from typing import Optional

from flsec import registry
from flsec.commands import flags
from flsec.commands.command import Command, UsageError
from flsec.commands.paragraphs import paragraph
from flsec.config.errors import closest

if typing.TYPE_CHECKING:
  from flsec.data import locate

# A kind of its own: the tables and figures of the papers.
_EXPERIMENTS = 'experiments'
_KINDS = {word: kind for kind, (_, word) in registry.KINDS.items()}


def define_flags(flag_values: flags.FlagValues) -> None:
  """Declares the flags of `flsec list`."""
  flags.DEFINE_string(
    'data_dir',
    None,
    'Folder of the data sets (default: $FLSEC_DATA_DIR, else data).',
    flag_values=flag_values,
  )
  flags.DEFINE_multi_string(
    'plugin',
    [],
    'Python file that registers further attacks, rules or pruners.',
    flag_values=flag_values,
  )


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Prints all components, those of some kinds, or single ones by name.

  Or, after the word `experiments`, the tables and figures of the papers.
  """
  if positional[:1] == [_EXPERIMENTS]:
    # It reads YAML, and components do not.
    from flsec.commands import experiment_list

    experiment_list.show(positional[1:])
    return 0
  for plugin in flag_values.plugin:
    registry.add_plugin(plugin)
  known = {kind: registry.entries(kind) for kind in registry.KINDS}
  chosen = _chosen(known, positional)
  for kind, entries in chosen.items():
    if not entries and not positional:
      continue
    print(f'{registry.KINDS[kind][1]} ({len(entries)})')
    places = _places(flag_values.data_dir) if kind == 'dataset' else {}
    for entry in entries.values():
      print(_describe(entry))
      if entry.name in places:
        print(paragraph(_where(places[entry.name])))
    print()
  return 0


def _chosen(
  known: Mapping[str, Mapping[str, registry.Entry]], words: Sequence[str]
) -> dict[str, dict[str, registry.Entry]]:
  """Returns the components that the words name: kinds, or single names.

  Raises:
    UsageError: a word is neither; names the closest.
  """
  if not words:
    return {kind: dict(entries) for kind, entries in known.items()}
  chosen: dict[str, dict[str, registry.Entry]] = {}
  for word in words:
    kind = _KINDS.get(word, word)
    if kind in known:
      chosen.setdefault(kind, {}).update(known[kind])
      continue
    holders = [kind for kind, entries in known.items() if word in entries]
    if not holders:
      names = [*_KINDS, _EXPERIMENTS]
      names += [*(name for one in known.values() for name in one)]
      raise UsageError(
        f'there is no component and no kind {word!r}{closest(word, names)} '
        f'Kinds: {", ".join(_KINDS)}, {_EXPERIMENTS}; `flsec list` names all '
        'components.'
      )
    for kind in holders:
      chosen.setdefault(kind, {})[word] = known[kind][word]
  return chosen


def _describe(entry: registry.Entry) -> str:
  lines = [f'  {entry.name}', paragraph(entry.summary)]
  if entry.settings:
    options = ', '.join(map(_option, entry.settings))
    lines.append(paragraph(f'options: {options}'))
  if entry.paper:
    lines.append(paragraph(f'paper: {entry.paper}'))
  return '\n'.join(lines)


def _option(option: registry.Option) -> str:
  if option.is_required:
    return f'{option.name}: {option.annotation or "required"} (required)'
  is_text = isinstance(option.default, str) and not isinstance(
    option.default, registry.Expression
  )
  if option.default is None:
    return f'{option.name}=null'
  if isinstance(option.default, bool):
    return f'{option.name}={str(option.default).lower()}'
  if isinstance(option.default, tuple):
    return f'{option.name}={list(option.default)}'
  return (
    f'{option.name}={option.default!r}'
    if is_text
    else (f'{option.name}={option.default}')
  )


def _places(data_dir: Optional[str]) -> 'dict[str, locate.Location]':
  """Returns where each data set is, or would be, by name."""
  from flsec.data import locate

  return locate.locate_all(data_dir)


def _where(location: 'locate.Location') -> str:
  """Says whether a data set is there, and where it was looked for."""
  if location.is_embedded:
    return 'present: comes with an installed package'
  if location.is_present:
    return f'present: {", ".join(location.files)}'
  looked = '; '.join(location.searched)
  origin = (
    f'; it is downloaded from {location.origin}' if location.origin else ''
  )
  return f'absent: looked for {looked}{origin}'


COMMAND = Command(
  name='list',
  summary='List attacks, rules, pruners, data sets, ..., experiments.',
  usage='[KIND or NAME ...] | experiments [PAPER ...]',
  run=run,
  define_flags=define_flags,
  examples=(
    'flsec list',
    'flsec list attacks',
    'flsec list krum',
    'flsec list experiments flap',
  ),
  is_light=True,
)
