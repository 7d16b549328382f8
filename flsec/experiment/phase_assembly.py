"""Builds the phases of an experiment, and checks that the model suits them."""

from collections.abc import Sequence

from flsec import registry
from flsec.config import schema
from flsec.config.errors import ConfigError
from flsec.defenses.phase import Phase
from flsec.models.layout import Layout


def build_phases(experiment: schema.Experiment) -> tuple[Phase, ...]:
  """Builds the phases, whose seed is the experiment's unless it is given."""
  supplied = {'seed': experiment.seed}
  return tuple(
    registry.build_supplied('phase', one.name, one.options, supplied)
    for one in experiment.phases
  )


def check_phases(phases: Sequence[Phase], layout: Layout) -> None:
  """Refuses a model that a phase cannot work on.

  Raises:
    ConfigError: names the phase.
  """
  for index, phase in enumerate(phases):
    try:
      phase.check(layout)
    except ValueError as error:
      raise ConfigError(f'phases.{index}', str(error)) from error
