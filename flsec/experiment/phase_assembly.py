"""Builds the phases of an experiment, and checks that the model suits them."""

import collections
from collections.abc import Sequence
from typing import Optional

import numpy as np

from flsec import registry
from flsec.config import schema
from flsec.config.errors import ConfigError
from flsec.defenses import channels
from flsec.defenses.phase import Phase
from flsec.models.channel_layer import channel_layer
from flsec.models.layout import Layout


def build_phases(experiment: schema.Experiment) -> tuple[Phase, ...]:
  """Builds the phases, whose seed is the experiment's unless it is given."""
  supplied = {'seed': experiment.seed}
  return tuple(
    registry.build_supplied('phase', one.name, one.options, supplied)
    for one in experiment.phases
  )


def check_phases(
  phases: Sequence[Phase], layout: Layout, removed: Optional[np.ndarray] = None
) -> None:
  """Refuses a model that a phase cannot work on.

  Args:
    phases: in their order.
    layout: the model's.
    removed: bool [d], what the run starts without; None: nothing.

  Raises:
    ConfigError: names the phase, also that which would remove the last channel
      of a layer.
  """
  going: collections.Counter[str] = collections.Counter()
  for index, phase in enumerate(phases):
    try:
      phase.check(layout)
      _check_left(phase, layout, removed, going)
    except ValueError as error:
      raise ConfigError(f'phases.{index}', str(error)) from error


def _check_left(
  phase: Phase,
  layout: Layout,
  removed: Optional[np.ndarray],
  going: 'collections.Counter[str]',
) -> None:
  """Adds the channels that a phase removes to `going`; one has to stay."""
  if phase.num_channels is None:
    return
  layer = channel_layer(phase.name, layout, phase.layer)
  left = layer.units - going[layer.name]
  if removed is not None:
    left -= int(channels.removed(removed, layout, layer).sum())
  if phase.num_channels >= left:
    raise ValueError(
      f'{phase.name}: num_channels is {phase.num_channels}, but of the {left} '
      f'channels that are left in {layer.name!r} at most {left - 1} may go, so '
      'that one stays.'
    )
  going[layer.name] += phase.num_channels
