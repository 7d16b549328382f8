"""Weights & Biases, online or offline."""

import secrets
from collections.abc import Mapping
from typing import Any, Literal, Optional

from flsec import registry
from flsec.loggers import installed
from flsec.loggers.logger import Logger, Run, kept_word

_ID = 'wandb_id.txt'


@registry.logger('wandb')
def wandb(
  *,
  project: str = 'flsec',
  entity: Optional[str] = None,
  mode: Literal['online', 'offline'] = 'online',
) -> Logger:
  """Copy numbers, histograms and pictures to Weights & Biases.

  Args:
    project: that runs are filed under.
    entity: user or team; the account's own where left out.
    mode: `offline` writes into the run's folder alone; `wandb sync` sends it.
  """
  return _WeightsAndBiases(
    installed.module('wandb', 'wandb'), project, entity, mode
  )


class _WeightsAndBiases(Logger):
  """A run of theirs for each of ours, the same when it is resumed.

  They keep steps that rise: what a resumed run tells again, which is the same,
  they drop.
  """

  may_fail = True

  def __init__(
    self, api: Any, project: str, entity: Optional[str], mode: str
  ) -> None:
    self._api = api
    self._options = {'project': project, 'entity': entity, 'mode': mode}

  def begin(self, run: Run) -> None:
    self._run = self._api.init(
      **self._options,
      id=kept_word(run.directory / _ID, secrets.token_hex(8)),
      # Offline nothing can be asked; `wandb sync` appends by the id.
      resume='allow' if self._options['mode'] == 'online' else None,
      name=run.cell,
      group=run.experiment,
      config=dict(run.settings),
      dir=str(run.directory),
      settings=self._api.Settings(console='off', silent=True),
    )

  def scalars(self, step: int, values: Mapping[str, float]) -> None:
    self._run.log(dict(values), step=step)

  def text(self, step: int, name: str, text: str) -> None:
    del step  # There is one of each name.
    self._run.summary[name] = text

  def image(self, step: int, name: str, image: Any) -> None:
    self._run.log({name: self._api.Image(image)}, step=step)

  def histogram(self, step: int, name: str, values: Any) -> None:
    self._run.log({name: self._api.Histogram(values)}, step=step)

  def close(self) -> None:
    self._run.finish()
    self._api.teardown()  # Else the last rows may still be on their way.
