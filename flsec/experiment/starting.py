"""What a run starts from: the last weights of another one, or a Keras model."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Optional

import numpy as np

from flsec.config.errors import ConfigError
from flsec.config.start import StartConfig
from flsec.experiment import checkpoint, keras_weights, model_record
from flsec.experiment.run_directory import CHECKPOINTS, CONFIG, DONE
from flsec.models.flat import FlatModel

_CLIENT_STATE = ('momenta', 'slots', 'counts')
_STATE = 'state'


@dataclasses.dataclass(frozen=True)
class Start:
  """What a run starts from.

  Attributes:
    weights: float32 [d].
    removed: bool [d], what is removed for good; None: nothing.
    client_state: parts of the server's state that are about clients, by name.
  """

  weights: np.ndarray
  removed: Optional[np.ndarray] = None
  client_state: Mapping[str, np.ndarray] = dataclasses.field(
    default_factory=dict
  )

  @property
  def has_removed(self) -> bool:
    """Whether anything is removed."""
    return self.removed is not None and bool(self.removed.any())


def check(config: StartConfig) -> bool:
  """Checks that there is something to start from, before data are read.

  Returns:
    Whether something is removed from it for good.

  Raises:
    ConfigError: it is no run that is finished and no Keras model.
  """
  folder = pathlib.Path(config.path)
  if not _is_run(folder):
    keras_weights.check(config.path)
    if config.client_state:
      raise ConfigError(
        'start_from.client_state',
        'is that of a run; a Keras model has none. Leave it out.',
      )
    return False
  if not (folder / DONE).exists():
    raise ConfigError(
      'start_from.path',
      f'{config.path} holds a run that is not finished. Let it end first.',
    )
  removed = _leaves(config).get((_STATE, 'removed'))
  return removed is not None and bool(removed.any())


def load(config: StartConfig, model: FlatModel) -> Start:
  """Reads what a run starts from.

  Args:
    config: what `check` has found good.
    model: of the run that starts.

  Raises:
    ConfigError: it is of another architecture, or lacks the clients' state.
  """
  folder = pathlib.Path(config.path)
  try:
    if not _is_run(folder):
      return Start(keras_weights.load(config.path, model))
    found = model_record.names_of(model_record.read(folder))
    model_record.check_same(config.path, found, model.weight_names())
    leaves = _leaves(config)
    weights = model.trained(leaves[_STATE, 'weights'])
  except (ValueError, KeyError) as error:
    raise ConfigError('start_from.path', str(error)) from error
  return Start(
    weights, leaves.get((_STATE, 'removed')), _client_state(config, leaves)
  )


def _is_run(folder: pathlib.Path) -> bool:
  return (folder / CONFIG).exists()


def _leaves(config: StartConfig) -> Mapping[tuple[str, ...], np.ndarray]:
  folder = pathlib.Path(config.path)
  try:
    return checkpoint.read(folder / CHECKPOINTS)
  except checkpoint.CheckpointError as error:
    raise ConfigError('start_from.path', str(error)) from error


def _client_state(
  config: StartConfig, leaves: Mapping[tuple[str, ...], np.ndarray]
) -> dict[str, np.ndarray]:
  if not config.client_state:
    return {}
  found = {
    name: leaves[_STATE, name]
    for name in _CLIENT_STATE
    if (_STATE, name) in leaves
  }
  if not found:
    raise ConfigError(
      'start_from.client_state',
      f'{config.path} keeps nothing of its clients from round to round '
      '(clients.momentum, clients.optimizer.persistent). Leave it out.',
    )
  return found
