"""The numbers that a finished run is remembered by."""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any, Optional

from flsec.config import schema
from flsec.experiment import versions
from flsec.experiment.metric_rows import (
  PHASE,
  POINT,
  ROUND,
  Number,
  Row,
  of_rounds,
)
from flsec.experiment.phase_summary import phase_lines
from flsec.metrics import averaged, critical, steadiness

ACCURACY = 'test/accuracy'
ERROR_RATE = 'attack/error_rate'
SUCCESS_RATE = 'attack/success_rate'
# Of the images that success is measured on, without the trigger.
CONTROL = 'attack/clean_error_rate'
# Of a client, both ways.
VOLUME = 'communication/volume_mib'
# Of the server's own update, where a rule takes one.
ROOT_NORM = 'rule/root_norm'
ROUND_SECONDS = 'time/round_seconds'
STEP_SECONDS = 'time/step_seconds'
RULE_SECONDS = 'time/rule_seconds'
# Malicious clients of a round beyond the number that the rule was told of.
ABOVE_F = 'clients/malicious_above_f'
ACTIVE = 'attack/active'
_TEST = 'test/'
_NOT_MEASURED = (ROUND, PHASE, 'time/')  # `round`, `phase`, `phase/...`.
# Of these metrics the lowest value is the best one.
_LOWER_IS_BETTER = ('loss', 'error_rate', 'success_rate')


def attacked_rounds(
  rows: Sequence[Row],
  start_round: Optional[int] = None,
  stop_round: Optional[int] = None,
  every: int = 1,
) -> list[Row]:
  """Returns the rows of the rounds in which the attack ran.

  Args:
    rows: all rows. Their metric `attack/active` decides where it is recorded.
    start_round: else, the first attacked round; None: there is no attack.
    stop_round: the last attacked round; None: the last of all.
    every: rounds between two attacked ones.
  """
  if any(ACTIVE in row for row in rows):
    return [row for row in rows if row.get(ACTIVE)]
  if start_round is None:
    return []
  last = math.inf if stop_round is None else stop_round
  return [
    row
    for row in of_rounds(rows)
    if start_round <= row[ROUND] <= last
    and (row[ROUND] - start_round) % every == 0
  ]


def values_of(rows: Iterable[Row], name: str) -> list[Number]:
  """Returns a metric's values, leaving out rounds without it and NaN."""
  found = [row[name] for row in rows if name in row]
  return [value for value in found if not math.isnan(value)]


def mean_of(rows: Iterable[Row], name: str) -> Optional[float]:
  """Returns a metric's mean over the rows that measured it, or None.

  A NaN says that a round had nothing to measure (no benign client, say) and is
  left out. Not so of what is measured on the test set: there it is a model
  that diverged, and a mean of the better rounds would hide it.
  """
  rows = list(rows)
  values = values_of(rows, name)
  if name.startswith(_TEST):
    values = [row[name] for row in rows if name in row]
  return finite(statistics.fmean(values)) if values else None


def last_tested(rows: Iterable[Row]) -> Row:
  """Returns the last row with a test of the model; empty where none has one.

  In a finished run that is the last row. What is said of a run's end comes
  from this row alone: numbers of several rounds are never put side by side as
  if they were of one model.
  """
  return next((r for r in reversed(models(rows)) if ACCURACY in r), {})


def models(rows: Iterable[Row]) -> list[Row]:
  """Returns the rows of what was the model, not a candidate of a search."""
  return [row for row in rows if POINT not in row]


def before_attack(
  rows: Iterable[Row], attacked: Sequence[Row], name: str
) -> Optional[Number]:
  """Returns the value of the last test before the first attacked round."""
  if not attacked:
    return None
  before = last_tested(r for r in rows if r[ROUND] < attacked[0][ROUND])
  return finite(before.get(name))


def pruned_units(rows: Iterable[Row]) -> dict[str, int]:
  """Returns by layer how many units were pruned in all rounds together.

  Reads the metrics `pruning/<layer>/units`, each the number pruned in its
  round.
  """
  total: dict[str, int] = {}
  for row in rows:
    for name, value in row.items():
      if name.startswith('pruning/') and name.endswith('/units'):
        layer = name[len('pruning/') : -len('/units')]
        total[layer] = total.get(layer, 0) + int(value)
  return total


def critical_point(
  rows: Sequence[Row], critical_accuracy: Optional[float]
) -> dict[str, Optional[Number]]:
  """Returns when a run first tested as good as asked for, and at what cost.

  Args:
    rows: all rows.
    critical_accuracy: what is good enough; None: not asked for.

  Returns:
    `critical_accuracy`; `critical_round`; and of a client up to then, that
    round included, `critical_volume_mib` (as the FedER paper counts, both
    ways), `critical_up_mib` and `critical_down_mib` (entries that are not
    zero). None where the accuracy was not reached, or something not measured.
  """
  found: dict[str, Optional[Number]] = {'critical_accuracy': critical_accuracy}
  rows = of_rounds(rows)
  tested = [row for row in rows if ACCURACY in row]
  found['critical_round'] = critical_accuracy and critical.critical_round(
    [row[ROUND] for row in tested],
    [row[ACCURACY] for row in tested],
    critical_accuracy,
  )
  for name in ('volume_mib', 'up_mib', 'down_mib'):
    metric = f'communication/{name}'
    known = all(metric in row for row in rows)
    found[f'critical_{name}'] = critical.critical_volume(
      [row[metric] for row in rows] if known else [],
      found['critical_round'] if known else None,
    )
  return found


def steadiness_of(rows: Sequence[Row]) -> dict[str, Optional[dict]]:
  """Returns `last_tests` and `deepest_fall` of the rounds, as dictionaries.

  Tests of a model are of rounds alone, in a run of several phases of those of
  the last phase that has some. None as in `metrics.steadiness`; a test without
  a number makes None of what the last ones come to, and is no fall.
  """
  tested = [row for row in of_rounds(rows) if ACCURACY in row]
  phase = tested[-1].get(PHASE) if tested else None
  tested = [row for row in tested if row.get(PHASE) == phase]
  last = steadiness.last_tests([row[ACCURACY] for row in tested])
  tested = [row for row in tested if math.isfinite(row[ACCURACY])]
  fall = steadiness.deepest_fall(
    [row[ROUND] for row in tested], [row[ACCURACY] for row in tested]
  )
  return {
    'last_tests': last and {k: finite(v) for k, v in last._asdict().items()},
    'deepest_fall': fall and fall._asdict(),
  }


def summarize(
  rows: Sequence[Row],
  *,
  seed: int,
  start_round: Optional[int] = None,
  stop_round: Optional[int] = None,
  every: int = 1,
  critical_accuracy: Optional[float] = None,
) -> dict[str, Any]:
  """Returns what `summary.json` holds.

  Args:
    rows: every row of the run.
    seed: the run's root seed.
    start_round: see `attacked_rounds`.
    stop_round: see `attacked_rounds`.
    every: see `attacked_rounds`.
    critical_accuracy: see `critical_point`.

  Returns:
    `rounds`; `seed`; `final` (of the last row), `best` (with its round) and
    `attacked_mean` of every metric that is no time; `rounds_above_f`, in how
    many more malicious clients took part than the rule was told of;
    `accuracy_before_attack`; `negative_pulse`, the deepest fall of accuracy
    below it in 20 rounds; what `critical_point` does; `last_tests` and
    `deepest_fall` (see `metrics.steadiness`); `pruned_units` by layer;
    `phases`, where the rows name them (see `phase_summary`); `seconds` in all,
    `seconds_per_round` (median) and `aggregation_seconds`, the rule's alone of
    all rounds; `versions`. A number that was not measured
    or is not finite is None: where the last round has no number, no older one
    stands in for it.
  """
  attacked = attacked_rounds(rows, start_round, stop_round, every)
  names = dict.fromkeys(n for row in rows for n in row)
  measured = [n for n in names if not n.startswith(_NOT_MEASURED)]
  phases = phase_lines(rows)
  seconds = values_of(rows, ROUND_SECONDS)
  rule = values_of(rows, RULE_SECONDS)
  return {
    'rounds': rows[-1][ROUND] if rows else 0,
    'seed': seed,
    'final': {n: finite(rows[-1].get(n)) for n in measured},
    'best': {n: _best(rows, n) for n in measured if _has_best(n)},
    'attacked_rounds': len(attacked),
    'rounds_above_f': sum(row.get(ABOVE_F, 0) > 0 for row in rows),
    'attacked_mean': {n: mean_of(attacked, n) for n in measured},
    'accuracy_before_attack': before_attack(rows, attacked, ACCURACY),
    'negative_pulse': _negative_pulse(rows, attacked),
    **critical_point(rows, critical_accuracy),
    **steadiness_of(rows),
    'pruned_units': pruned_units(rows),
    **({'phases': phases} if phases else {}),
    'seconds': finite(math.fsum([*seconds, *values_of(rows, STEP_SECONDS)])),
    'seconds_per_round': statistics.median(seconds) if seconds else None,
    'aggregation_seconds': finite(math.fsum(rule)) if rule else None,
    'versions': versions.of_this_process(),
  }


def of_experiment(
  experiment: schema.Experiment, rows: Sequence[Row]
) -> dict[str, Any]:
  """Returns what `summarize` does for a run of an experiment."""
  attack = experiment.attack
  return summarize(
    rows,
    seed=experiment.seed,
    start_round=attack and attack.start_round,
    stop_round=attack and attack.stop_round,
    every=attack.every if attack else 1,
    critical_accuracy=experiment.evaluation.critical_accuracy,
  )


def _negative_pulse(
  rows: Iterable[Row], attacked: Sequence[Row]
) -> Optional[Number]:
  rows = list(rows)
  if before_attack(rows, attacked, ACCURACY) is None:
    return None
  tested = [row for row in of_rounds(rows) if ACCURACY in row]
  pulse = averaged.negative_pulse(
    [row[ROUND] for row in tested],
    [row[ACCURACY] for row in tested],
    attack_round=attacked[0][ROUND] - 1,
  )
  return finite(pulse)


def finite(value: Optional[Number]) -> Optional[Number]:
  """Returns a number that JSON can hold, else None."""
  return value if value is not None and math.isfinite(value) else None


def _has_best(name: str) -> bool:
  return name.startswith(_TEST) or name in (ERROR_RATE, SUCCESS_RATE)


def _best(rows: Sequence[Row], name: str) -> Optional[dict[str, Number]]:
  finite_rows = [
    r for r in models(rows) if name in r and math.isfinite(r[name])
  ]
  if not finite_rows:
    return None
  pick = min if name.endswith(_LOWER_IS_BETTER) else max
  row = pick(finite_rows, key=lambda row: row[name])
  return {'value': row[name], 'round': row[ROUND]}
