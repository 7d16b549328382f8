"""A run as a report sees it: read from its folder, changed by nothing."""

import dataclasses
import functools
import math
import pathlib
import re
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np
import yaml

from flsec.config import later_fields
from flsec.experiment import failure, metric_rows, run_directory
from flsec.experiment import summary as summary_lib
from flsec.experiment.metric_rows import Row
from flsec.reporting.measure import MEASURES, Measure, Moment


@dataclasses.dataclass(frozen=True)
class Labels:
  """How the clients share the data.

  Attributes:
    counts: int64 [num_clients, num_classes], examples of each class.
    is_malicious: bool [num_clients].
  """

  counts: np.ndarray
  is_malicious: np.ndarray


@dataclasses.dataclass(frozen=True)
class Votes:
  """What clients reported of the channels of a layer.

  Attributes:
    phase: which phase asked, 1 being the second.
    layer: whose channels.
    kind: 'ranks' or 'bits', see `flsec.defenses.phase.Question`.
    client_id: int64 [n].
    reports: int64 [n, C].
    is_valid: bool [n].
    is_malicious: bool [n].
    removed: int64, the channels that are removed.
  """

  phase: int
  layer: str
  kind: str
  client_id: np.ndarray
  reports: np.ndarray
  is_valid: np.ndarray
  is_malicious: np.ndarray
  removed: np.ndarray

  @property
  def order(self) -> np.ndarray:
    """Channels from the least to the most wanted, those removed first."""
    sums = self.reports[self.is_valid].sum(axis=0)
    stays = ~np.isin(np.arange(len(sums)), self.removed)
    return np.lexsort((np.arange(len(sums)), sums, stays))


@dataclasses.dataclass(frozen=True)
class Headline:
  """The numbers that a run is compared by; None where not measured.

  Rates and accuracies are shares of 1.

  Attributes:
    last: by metric, what the last test of the model gave.
    attacked_mean: by metric, the mean over the attacked rounds.
    best_accuracy: the highest test accuracy.
    before: by metric, what the last test before the attack gave.
    attacked_rounds: how many rounds were attacked.
    rounds_above_f: in how many rounds more malicious clients took part than
      the rule was told of.
    pruned_units: units pruned in all, by layer.
    seconds_per_round: median.
    seconds: of all rounds together.
  """

  last: Mapping[str, Optional[float]]
  attacked_mean: Mapping[str, Optional[float]]
  best_accuracy: Optional[float]
  before: Mapping[str, Optional[float]]
  attacked_rounds: int
  rounds_above_f: int
  pruned_units: Mapping[str, int]
  seconds_per_round: Optional[float]
  seconds: float

  def value(self, measure: Measure, moment: Moment) -> Optional[float]:
    """Returns the run's number of a measure at a moment."""
    found = self.last if moment is Moment.LAST else self.attacked_mean
    return found[measure.metric]


@dataclasses.dataclass(frozen=True)
class Cell:
  """One run directory.

  Attributes:
    path: the folder.
    config: the resolved configuration, as of this version of flsec; empty
      where there is none.
    config_yaml: its text.
    rows: the metrics, one row a round.
    is_done: whether the run is complete.
    failure: the line that says why it failed, where it did.
    labels: who holds what; None where it was not recorded.
    versions: what the run was made with; empty before it is complete.
    votes: of the phases in which clients voted.
  """

  path: pathlib.Path
  config: Mapping[str, Any]
  config_yaml: str
  rows: list[Row]
  is_done: bool
  failure: Optional[str] = None
  labels: Optional[Labels] = None
  versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
  votes: Sequence[Votes] = ()

  @property
  def title(self) -> str:
    """The experiment's name."""
    return str(self.config.get('name') or self.path.name)

  @property
  def rounds(self) -> int:
    """Rounds finished."""
    return self.rows[-1][metric_rows.ROUND] if self.rows else 0

  @property
  def state(self) -> str:
    """`done`, `failed`, or the last finished round of the others."""
    if self.is_done:
      return 'done'
    return 'failed' if self.failure else f'round {self.rounds}'

  @functools.cached_property
  def attacked(self) -> list[Row]:
    """The rows of the attacked rounds."""
    attack = self.config.get('attack') or {}
    start = attack.get('start_round', 1) if attack else None
    return summary_lib.attacked_rounds(
      self.rows, start, attack.get('stop_round'), attack.get('every') or 1
    )

  @functools.cached_property
  def headline(self) -> Headline:
    """The numbers that this run is compared by."""
    rows, attacked = self.rows, self.attacked
    last = summary_lib.last_tested(rows)
    metrics = [measure.metric for measure in MEASURES]
    accuracies = summary_lib.values_of(
      summary_lib.models(rows), summary_lib.ACCURACY
    )
    seconds = summary_lib.values_of(rows, summary_lib.ROUND_SECONDS)
    return Headline(
      last={name: summary_lib.finite(last.get(name)) for name in metrics},
      attacked_mean={n: summary_lib.mean_of(attacked, n) for n in metrics},
      best_accuracy=max(accuracies, default=None),
      before={
        name: summary_lib.before_attack(rows, attacked, name)
        for name in metrics
      },
      attacked_rounds=len(attacked),
      rounds_above_f=sum(row.get(summary_lib.ABOVE_F, 0) > 0 for row in rows),
      pruned_units=summary_lib.pruned_units(rows),
      seconds_per_round=statistics.median(seconds) if seconds else None,
      seconds=math.fsum(seconds),
    )

  def series(self, name: str) -> tuple[list[int], list[float]]:
    """Returns the rounds in which a metric was measured, and its values."""
    rows = metric_rows.of_rounds(self.rows)
    measured = [row for row in rows if name in row]
    return (
      [row[metric_rows.ROUND] for row in measured],
      [float(row[name]) for row in measured],
    )

  def names(self, prefix: str) -> list[str]:
    """Returns the metrics whose names begin with a prefix."""
    columns = metric_rows.columns_of(self.rows)
    return [name for name in columns if name.startswith(prefix)]


def read_cell(path: Union[str, pathlib.Path]) -> Cell:
  """Reads a run directory, finished or not.

  Raises:
    ValueError: it holds no run, or a file in it is damaged.
  """
  folder = pathlib.Path(path)
  if not is_cell(folder):
    raise ValueError(
      f'{folder} holds no run: there is no {run_directory.METRICS_JSONL} in it.'
      ' Give the folder of a run, or one that has such folders in it.'
    )
  config = folder / run_directory.CONFIG
  text = config.read_text(encoding='utf-8') if config.exists() else ''
  return Cell(
    path=folder,
    config=later_fields.fill(yaml.safe_load(text) or {}),
    config_yaml=text,
    rows=metric_rows.read_rows(folder / run_directory.METRICS_JSONL),
    is_done=(folder / run_directory.DONE).exists(),
    failure=failure.read(folder),
    labels=_read_labels(folder / run_directory.LABELS),
    versions=_read_versions(folder / run_directory.SUMMARY),
    votes=_read_votes(folder),
  )


def find_cells(path: Union[str, pathlib.Path]) -> list[Cell]:
  """Reads every run in a folder and below, in natural order of their paths.

  Raises:
    ValueError: there is none.
  """
  folder = pathlib.Path(path)
  found = {
    file.parent
    for name in (run_directory.METRICS_JSONL, run_directory.CONFIG)
    for file in folder.rglob(name)
    if is_cell(file.parent)
  }
  if not found:
    raise ValueError(
      f'{folder} holds no run: there is no {run_directory.METRICS_JSONL} in it '
      'or below. Run an experiment first, or give the folder it wrote.'
    )
  return [read_cell(cell) for cell in sorted(found, key=natural_key)]


def is_cell(path: pathlib.Path) -> bool:
  """Tells whether a folder is the folder of one run."""
  return run_directory.is_run(path)


def natural_key(value: Any) -> list[tuple[int, float, str]]:
  """Sorts `f=9` before `f=10`."""
  parts = re.split(r'(\d+(?:\.\d+)?)', str(value))
  return [
    (1, float(part), '') if i % 2 else (0, 0.0, part)
    for i, part in enumerate(parts)
  ]


def _read_labels(path: pathlib.Path) -> Optional[Labels]:
  if not path.exists():
    return None
  with np.load(path, allow_pickle=False) as archive:
    return Labels(archive['counts'], archive['is_malicious'])


def _read_votes(folder: pathlib.Path) -> list[Votes]:
  found = []
  pattern = run_directory.VOTES.format('*')
  for path in sorted(folder.glob(pattern), key=natural_key):
    with np.load(path, allow_pickle=False) as archive:
      is_malicious = archive['is_malicious'][archive['client_id']]
      found.append(
        Votes(
          int(path.stem.rpartition('_')[2]),
          str(archive['layer']),
          str(archive['kind']),
          archive['client_id'],
          archive['reports'],
          archive['is_valid'],
          is_malicious,
          archive['removed_channels'],
        )
      )
  return found


def _read_versions(path: pathlib.Path) -> Mapping[str, str]:
  if not path.exists():
    return {}
  # YAML reads JSON.
  return yaml.safe_load(path.read_text(encoding='utf-8')).get('versions', {})
