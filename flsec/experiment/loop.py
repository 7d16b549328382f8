"""The round loop of one run: train, measure, write, save, go on."""

import contextlib
import pathlib
import time
from collections.abc import Callable
from typing import Any, Optional

import numpy as np
import tensorflow as tf

from flsec.config import dump, estimate, schema
from flsec.experiment import (
  assembly,
  attack_checks,
  checkpoint,
  pictures,
  profiling,
  summary,
)
from flsec.experiment.client_pool import ClientPool
from flsec.experiment.evaluation import Evaluator
from flsec.experiment.metric_writer import MetricWriter
from flsec.experiment.progress import Progress, Watcher
from flsec.experiment.round_checks import RoundChecks
from flsec.experiment.round_metrics import round_metrics
from flsec.experiment.round_traffic import round_traffic
from flsec.experiment.run_directory import RunDirectory
from flsec.federated import process
from flsec.metrics.heterogeneity import label_distribution
from flsec.runtime import build, device, memory, threads


def run_cell(
  experiment: schema.Experiment,
  *,
  directory: pathlib.Path,
  data_dir: str,
  resume: bool = True,
  profile: bool = False,
  watcher: Optional[Watcher] = None,
) -> dict[str, Any]:
  """Runs one experiment into its directory, or goes on with it.

  After every round its numbers are on disk, then its state: a run that is
  killed at any moment and resumed gives the same numbers and weights, bit for
  bit.

  Args:
    experiment: a validated, resolved configuration.
    directory: the run directory.
    data_dir: folder of the data sets.
    resume: whether an unfinished run may be continued.
    profile: write a TensorBoard profile of this session's second and third
      round into the directory.
    watcher: is told how far the run is; None shows it in the terminal.

  Returns:
    What `summary.json` holds.

  Raises:
    ValueError: the directory cannot be used, data is missing or broken, a
      component does not fit the data, or a round went astray
      (`round_checks.RoundError`).
  """
  with (
    RunDirectory.open(
      directory, dump.to_yaml(experiment), dump.fingerprint(experiment), resume
    ) as run,
    contextlib.closing(watcher or Progress()) as told,
  ):
    return _run(experiment, run, data_dir, profile, told)


def _run(
  experiment: schema.Experiment,
  run: RunDirectory,
  data_dir: str,
  profile: bool,
  watcher: Watcher,
) -> dict[str, Any]:
  chosen = device.choose_device(experiment.runtime)
  assembled = assembly.assemble(experiment, data_dir, uses_xla=chosen.uses_xla)
  attack_checks.check_attack(experiment, assembled)
  plan, federation = assembled.plan, assembled.federation
  needed = 0
  if chosen == device.Device():  # An accelerator has memory of its own.
    needed = memory.check(
      plan,
      num_clients=estimate.clients_of_a_round(experiment),
      examples_bytes=federation.x.nbytes + federation.y.nbytes,
      num_threads=experiment.runtime.threads or threads.usable_cores(),
    ).total
  watcher.assembled(needed, chosen.name)
  run.write_labels(
    label_distribution(
      federation.y, federation.offsets, federation.num_classes
    ),
    assembled.malicious,
  )
  federated = process.build_process(plan)
  with build.build_runtime(
    experiment.runtime, federated, chosen, concatenates=not plan.streams
  ) as runtime:
    state = runtime.initialize()
    saved = checkpoint.restore(run.checkpoints, state)
    last_round, state = saved or (0, state)
    state = tf.nest.map_structure(tf.convert_to_tensor, state)
    with MetricWriter(run.path, resume_after=last_round) as writer:
      if last_round == 0:
        writer.write_text('config', f'```\n{dump.to_yaml(experiment)}\n```')
        pictures.write_pictures(
          writer, assembled, experiment.clients.batch_size
        )
      one_round = _build_round(experiment, assembled, runtime)
      watcher.begin(experiment.rounds, last_round, experiment.name)
      for round_number in range(last_round + 1, experiment.rounds + 1):
        with profiling.profiled(
          run.path if profile else None, round_number - last_round
        ):
          state, metrics = one_round(round_number, state)
        writer.write_row(round_number, metrics)
        checkpoint.save(run.checkpoints, round_number, state)
        watcher.update(round_number, metrics)
      result = _summarize(experiment, writer.rows)
  run.finish(result)
  return result


def _build_round(
  experiment: schema.Experiment, assembled: assembly.Assembly, runtime: Any
) -> Callable[[int, Any], tuple[Any, dict[str, float]]]:
  """Builds `(round number, state) -> (state, metrics)`."""
  plan, attack = assembled.plan, assembled.plan.attack
  pool = ClientPool(
    assembled.federation,
    assembled.malicious,
    experiment.seed,
    batch_size=experiment.clients.batch_size if plan.padded else None,
  )
  evaluator = Evaluator(
    plan.model,
    assembled.federation.test,
    batch_size=experiment.evaluation.batch_size,
    num_threads=experiment.runtime.threads or threads.usable_cores(),
    attack=attack and attack.attack,
  )
  checks = RoundChecks(experiment.server, plan.rule)
  told = estimate.num_byzantine_told(experiment.server) if attack else None

  def one_round(round_number: int, state: Any) -> tuple[Any, dict[str, float]]:
    started = time.perf_counter()
    ids = assembly.select_clients(experiment, assembled.malicious, round_number)
    state, output = runtime.next(state, pool.structs(ids))
    trained = time.perf_counter()
    weights = np.asarray(state['weights'])
    metrics: dict[str, float] = {}
    is_last = round_number == experiment.rounds
    if is_last or round_number % experiment.evaluation.every == 0:
      metrics.update(evaluator.evaluate(weights))
    checks.check(round_number, output, weights, metrics)
    if attack:
      active = bool(attack.is_active(round_number))
      metrics['attack/active'] = int(active)
    metrics.update(round_metrics(output, plan.rule, told))
    metrics.update(round_traffic(output, plan.dimension))
    ended = time.perf_counter()
    metrics.update(_stage_seconds(runtime.stage_seconds, metrics))
    metrics['time/evaluation_seconds'] = ended - trained
    metrics['time/round_seconds'] = ended - started
    return state, metrics

  return one_round


def _stage_seconds(
  stages: dict[str, float], metrics: dict[str, float]
) -> dict[str, float]:
  """Names the runtime's stages; the server's is what its own leave over."""
  named = {f'time/{name}_seconds': value for name, value in stages.items()}
  if 'server' in stages:
    own = sum(
      metrics.get(f'time/{stage}_seconds', 0.0)
      for stage in ('attack', 'rule', 'pruning')
    )
    named['time/server_seconds'] = max(0.0, stages['server'] - own)
  return named


def _summarize(experiment: schema.Experiment, rows: Any) -> dict[str, Any]:
  attack = experiment.attack
  return summary.summarize(
    rows,
    seed=experiment.seed,
    start_round=attack and attack.start_round,
    stop_round=attack and attack.stop_round,
    every=attack.every if attack else 1,
    critical_accuracy=experiment.evaluation.critical_accuracy,
  )
