"""What is said of one run in words: how long, how soon, how steady."""

from collections.abc import Mapping
from typing import Optional

from flsec.experiment import summary as summary_lib
from flsec.reporting import formats
from flsec.reporting.cell import Cell
from flsec.reporting.table import SECONDS

# Worth a word: fewer tests have no middle, smaller falls are no surprise.
_FEW = 3
_DEEP_FALL = 0.2


def in_words(cell: Cell) -> str:
  """Returns what a run was beside its numbers, in one line."""
  found = cell.headline
  facts = [f'{cell.rounds} rounds']
  if found.seconds_per_round is not None:
    seconds = formats.number(found.seconds_per_round, SECONDS)
    facts.append(f'{seconds} s a round')
  units = sum(found.pruned_units.values())
  layers = ', '.join(f'{n} {u}' for n, u in found.pruned_units.items() if u)
  facts += [f'{units} units pruned ({layers})'] if units else []
  facts += _when_good_enough(cell)
  facts += _steadiness(cell)
  return '; '.join(facts)


def critical_point(cell: Cell) -> Mapping[str, Optional[float]]:
  """Returns what `summary.critical_point` does, of a run's own rows."""
  wanted = (cell.config.get('evaluation') or {}).get('critical_accuracy')
  return summary_lib.critical_point(cell.rows, wanted)


def _steadiness(cell: Cell) -> list[str]:
  """Says how the last tests differ, and whether accuracy ever fell by much."""
  found = summary_lib.steadiness_of(cell.rows)
  last, fall, facts = found['last_tests'], found['deepest_fall'], []
  if last and last['tests'] >= _FEW and last['median'] is not None:
    lowest, median, highest = (
      100 * last[name] for name in ('lowest', 'median', 'highest')
    )
    facts.append(
      f'accuracy of the last {last["tests"]} tests {lowest:.1f} to '
      f'{highest:.1f} %, median {median:.1f} %'
    )
  if fall and fall['depth'] >= _DEEP_FALL:
    facts.append(
      f'accuracy fell by {100 * fall["depth"]:.1f} points between rounds '
      f'{fall["from_round"]} and {fall["to_round"]}'
    )
  return facts


def _when_good_enough(cell: Cell) -> list[str]:
  """Says in which round a run was good enough, where that was asked for."""
  found = critical_point(cell)
  wanted = found['critical_accuracy']
  if wanted is None:
    return []
  if found['critical_round'] is None:
    return [f'accuracy {wanted} not reached']
  text = f'accuracy {wanted} in round {found["critical_round"]}'
  if found['critical_volume_mib'] is not None:
    text += f', after {found["critical_volume_mib"]:.2f} MiB a client'
  return [text]
