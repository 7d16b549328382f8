"""What an attack costs a run, beside the clean run of the same sweep."""

from collections.abc import Sequence
from typing import Any, Optional

from flsec.config import schema
from flsec.experiment import metric_rows, summary
from flsec.metrics import averaged
from flsec.reporting import places
from flsec.reporting.cell import Cell

# What attack and defence are made of, and what changes no result; the clean run
# differs in nothing else.
_CONTEST = (
  'attack', 'server', 'pruning', 'phases', 'name', 'description', 'plugins',
  'runtime',
)  # fmt: skip


def accuracy_losses(cells: Sequence[Cell]) -> list[Optional[float]]:
  """Returns the averaged accuracy loss L of each run.

  Of a defended run that nobody attacks it is the defence's fidelity: what it
  costs in the rounds in which the sweep's attacks would run.

  Args:
    cells: the runs of a sweep.

  Returns:
    `flsec.metrics.averaged.accuracy_loss` of each attacked run, over those
    attacked rounds in which both were tested, or for a run without attack over
    those from the first that any attack of the sweep runs in; None for the
    clean run, where nobody attacks, or where the sweep holds no clean run for
    it: the plain mean, no attack, no pruning, all other settings (the seed,
    too) the same.
  """
  settings = [_other_settings(cell) for cell in cells]
  clean = {s: cell for s, cell in zip(settings, cells) if _is_clean(cell)}
  starts: dict[Any, int] = {}
  for setting, cell in zip(settings, cells):
    if cell.attacked:
      first = cell.attacked[0][metric_rows.ROUND]
      starts[setting] = min(first, starts.get(setting, first))
  return [
    _loss(cell, clean.get(setting), starts.get(setting))
    for setting, cell in zip(settings, cells)
  ]


def robustness_gains(
  cells: Sequence[Cell], losses: Sequence[Optional[float]]
) -> list[Optional[float]]:
  """Returns the share of the loss L that each run's defence takes away.

  Args:
    cells: the runs of a sweep.
    losses: of each, as `accuracy_losses` returns them.

  Returns:
    `flsec.metrics.averaged.robustness_gain` of each attacked and defended run
    over the plain mean under the same attack; negative where the defence makes
    it worse; None where the sweep holds no such run, or that one loses nothing.
  """
  contests = [_contest(cell) for cell in cells]
  bases = {
    contest: loss
    for contest, cell, loss in zip(contests, cells, losses)
    if is_plain(cell)
  }
  gains: list[Optional[float]] = []
  for contest, cell, loss in zip(contests, cells, losses):
    base = bases.get(contest)
    if loss is None or base is None or is_plain(cell) or not cell.attacked:
      gains.append(None)
      continue
    gains.append(summary.finite(averaged.robustness_gain(base, loss)))
  return gains


def _contest(cell: Cell) -> tuple[Any, ...]:
  return (*_other_settings(cell), repr(cell.config.get('attack')))


def is_plain(cell: Cell) -> bool:
  """Tells whether the server takes the mean, and nothing defends it."""
  server = cell.config.get('server') or {}
  aggregator = server.get('aggregator') or {}
  return (
    aggregator.get('name') == 'mean'
    and not server.get('preaggregators')
    and not cell.config.get('pruning')
    and all(one['name'] == 'train' for one in cell.config.get('phases') or ())
  )


def _is_clean(cell: Cell) -> bool:
  return is_plain(cell) and not cell.config.get('attack')


def _other_settings(cell: Cell) -> tuple[tuple[str, Any], ...]:
  kept = {k: v for k, v in cell.config.items() if k not in _CONTEST}
  flat = places.flatten(kept)
  runtime = cell.config.get('runtime') or {}
  for name in schema.RuntimeConfig.PRECISIONS:
    flat[name] = runtime.get(name, False)
  return tuple(sorted((path, repr(value)) for path, value in flat.items()))


def _loss(
  cell: Cell, clean: Optional[Cell], start: Optional[int]
) -> Optional[float]:
  if clean is None or cell is clean or start is None:
    return None
  judged = cell.attacked
  if not cell.config.get('attack'):
    rows = metric_rows.of_rounds(cell.rows)
    judged = [row for row in rows if row[metric_rows.ROUND] >= start]
  tested = {
    row[metric_rows.ROUND]: row[summary.ACCURACY]
    for row in metric_rows.of_rounds(clean.rows)
    if summary.ACCURACY in row
  }
  pairs = [
    (
      row[metric_rows.ROUND],
      tested[row[metric_rows.ROUND]],
      row[summary.ACCURACY],
    )
    for row in judged
    if summary.ACCURACY in row and row[metric_rows.ROUND] in tested
  ]
  if not pairs:
    return None
  rounds, before, after = zip(*pairs)
  return averaged.accuracy_loss(rounds, before, after, first_round=rounds[0])
