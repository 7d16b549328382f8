"""MLflow, on a server or into a folder."""

import time
from collections.abc import Mapping
from typing import Any, Optional

from flsec import registry
from flsec.loggers import installed
from flsec.loggers.logger import Logger, Run, kept_word

_ID = 'mlflow_id.txt'
# Limits of MLflow's servers.
_MOST_AT_ONCE = 100
_LONGEST_VALUE = 500


@registry.logger('mlflow')
def mlflow(*, tracking_uri: Optional[str] = None) -> Logger:
  """Copy settings, numbers and texts to MLflow.

  Args:
    tracking_uri: a server or a folder (`file:///...`); what
      `MLFLOW_TRACKING_URI` says where left out.
  """
  return _MLflow(
    installed.module('mlflow.tracking', 'mlflow-skinny'),
    installed.module('mlflow.entities', 'mlflow-skinny'),
    tracking_uri,
  )


class _MLflow(Logger):
  """A run of theirs for each of ours, the same when it is resumed."""

  may_fail = True

  def __init__(
    self, tracking: Any, entities: Any, tracking_uri: Optional[str]
  ) -> None:
    self._tracking, self._entities = tracking, entities
    self._uri = tracking_uri

  def begin(self, run: Run) -> None:
    self._client = self._tracking.MlflowClient(self._uri)
    path = run.directory / _ID
    if path.exists():
      self._id = kept_word(path, '')
      self._client.update_run(self._id, status='RUNNING')
      return
    found = self._client.get_experiment_by_name(run.experiment)
    experiment = (
      found.experiment_id
      if found
      else self._client.create_experiment(run.experiment)
    )
    made = self._client.create_run(experiment, run_name=run.cell)
    self._id = kept_word(path, made.info.run_id)
    settings = [
      self._entities.Param(name, str(value)[:_LONGEST_VALUE])
      for name, value in run.settings.items()
    ]
    for first in range(0, len(settings), _MOST_AT_ONCE):
      self._client.log_batch(
        self._id, params=settings[first : first + _MOST_AT_ONCE]
      )

  def scalars(self, step: int, values: Mapping[str, float]) -> None:
    milliseconds = int(time.time() * 1000)
    metrics = [
      self._entities.Metric(name, value, milliseconds, step)
      for name, value in values.items()
    ]
    self._client.log_batch(self._id, metrics=metrics)

  def text(self, step: int, name: str, text: str) -> None:
    self._client.log_text(self._id, text, f'{name}_{step}.md')

  def close(self) -> None:
    self._client.set_terminated(self._id)
