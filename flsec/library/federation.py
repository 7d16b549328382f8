"""What a loop of one's own needs: the process, the clients and the test."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np
import tensorflow_federated as tff

from flsec.config.schema import Experiment
from flsec.data.dataset import Federation
from flsec.experiment import assembly, attack_checks, preflight
from flsec.experiment.client_pool import ClientPool
from flsec.experiment.evaluation import Evaluator
from flsec.federated import process as process_lib
from flsec.federated.plan import Plan
from flsec.runtime import build as build_lib
from flsec.runtime import device
from flsec.runtime.runtime import Runtime


@dataclasses.dataclass(frozen=True)
class Simulation:
  """An experiment, put together, whose rounds you run yourself.

      simulation = flsec.assemble('quickstart')
      with simulation.runtime() as runtime:
        state = runtime.initialize()
        for round_number in range(1, 4):
          clients = simulation.clients(round_number)
          state, metrics = runtime.next(state, clients)
        print(simulation.evaluate(state['weights'])['test/accuracy'])

  Attributes:
    experiment: what was put together.
    process: a `tff.templates.IterativeProcess`; its types say what state,
      clients and metrics are. Runs in every TFF context, too.
    plan: everything that the round is made of: model, rule, attack, ...
    federation: who holds which examples.
    malicious: bool [num_clients], the clients that the attacker controls.
  """

  experiment: Experiment
  process: tff.templates.IterativeProcess
  plan: Plan
  federation: Federation
  malicious: np.ndarray
  _pool: ClientPool = dataclasses.field(repr=False)
  _evaluator: Evaluator = dataclasses.field(repr=False)
  _device: device.Device = dataclasses.field(repr=False)

  def runtime(self) -> Runtime:
    """Returns what runs the process as `flsec run` does, a context manager.

    Its `initialize()` and `next(state, clients)` are those of the process, on
    the threads, the accelerator or the workers of `runtime` in the experiment.
    """
    return build_lib.build_runtime(
      self.experiment.runtime,
      self.process,
      self._device,
      concatenates=not self.plan.streams,
    )

  def client_ids(self, round_number: int) -> np.ndarray:
    """Returns who takes part in a round: int64 [n], ascending.

    Args:
      round_number: from 1.
    """
    return assembly.select_clients(
      self.experiment, self.malicious, round_number
    )

  def clients(
    self, round_number: int, ids: Optional[Sequence[int]] = None
  ) -> list[Any]:
    """Returns the clients of a round, as `process.next` takes them.

    Args:
      round_number: from 1; says who takes part.
      ids: takes these instead, in ascending order.

    Returns:
      A struct for each: `x` [s, ...] as stored, `y` int32 [s], `count`,
      `client_id`, `rank` (among the malicious ones; -1 of a benign one) and
      `seed`. The same tensors in every round.

    Raises:
      ValueError: the ids are not ascending, or there is no such client.
    """
    if ids is None:
      return self._pool.structs(self.client_ids(round_number))
    chosen = np.asarray(ids, np.int64)
    everyone = self.federation.num_clients
    if (
      np.any(np.diff(chosen) <= 0)
      or not np.isin(chosen, np.arange(everyone)).all()
    ):
      raise ValueError(
        f'ids are distinct numbers from 0 to {everyone - 1}, ascending; got '
        f'{list(ids)}.'
      )
    return self._pool.structs(chosen)

  def evaluate(self, weights: Any) -> dict[str, float]:
    """Tests weights on the whole test set, and on the attack's victims.

    Args:
      weights: float32 [d], such as `state['weights']`.

    Returns:
      `test/accuracy`, `test/loss` and the rest of what a run records of its
      model: see `flsec.experiment.evaluation.Evaluator.evaluate`.
    """
    return self._evaluator.evaluate(np.asarray(weights))


def build(
  experiment: Experiment, data_dir: str, num_threads: int
) -> Simulation:
  """Builds what `flsec.assemble` returns.

  Args:
    experiment: validated and resolved.
    data_dir: folder of the data sets.
    num_threads: of the test.

  Raises:
    ValueError: as of `flsec.assemble`.
  """
  preflight.check_components(experiment)
  where = device.choose_device(experiment.runtime)
  assembled = assembly.assemble(experiment, data_dir, uses_xla=where.uses_xla)
  attack_checks.check_attack(experiment, assembled)
  plan, federation = assembled.plan, assembled.federation
  return Simulation(
    experiment=experiment,
    process=process_lib.build_process(plan),
    plan=plan,
    federation=federation,
    malicious=assembled.malicious,
    _pool=ClientPool(
      federation,
      assembled.malicious,
      experiment.seed,
      batch_size=experiment.clients.batch_size if plan.padded else None,
    ),
    _evaluator=Evaluator(
      plan.model,
      federation.test,
      batch_size=experiment.evaluation.batch_size,
      num_threads=num_threads,
      attack=plan.attack.attack if plan.attack else None,
      reads_batch=experiment.evaluation.batch_statistics,
    ),
    _device=where,
  )
