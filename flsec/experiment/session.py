"""What the phases of a run share."""

import dataclasses
import pathlib

from flsec.config import schema
from flsec.experiment.assembly import Assembly
from flsec.experiment.clients import Clients
from flsec.experiment.evaluation import Evaluator
from flsec.experiment.journal import Journal
from flsec.experiment.round_checks import RoundChecks
from flsec.experiment.shared_rounds import SharedRounds
from flsec.runtime.runtime import Runtime


@dataclasses.dataclass(frozen=True)
class Session:
  """One process's part of a run.

  Attributes:
    experiment: what is run.
    assembled: the same, put together.
    clients: and what is run on them.
    training: the runtime of the round.
    evaluator: tests the global model.
    checks: of each round of training.
    journal: the record.
    shared: rounds that other cells of a sweep have in common with this one.
    directory: the run's folder.
    profiles: whether to write a profile of the second and third round.
  """

  experiment: schema.Experiment
  assembled: Assembly
  clients: Clients
  training: Runtime
  evaluator: Evaluator
  checks: RoundChecks
  journal: Journal
  shared: SharedRounds
  directory: pathlib.Path
  profiles: bool = False
