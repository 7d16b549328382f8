"""The round loop of one run: train, measure, write, save, go on."""

import contextlib
import dataclasses
import pathlib
import time
from collections.abc import Callable
from typing import Any, Optional

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from flsec.config import dump, estimate, schema
from flsec.experiment import (
  assembly,
  attack_checks,
  checkpoint,
  folder_lock,
  hyperparameters,
  metric_rows,
  pictures,
  profiling,
  run_directory,
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
from flsec.models.flat import FlatModel
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
  identity = dump.to_yaml(experiment), dump.fingerprint(experiment)
  folder_lock.check_free(directory)
  run_directory.check(directory, *identity, resume)
  with contextlib.closing(watcher or Progress()) as told:
    # Nothing is written before data and components are known to fit.
    prepared = _prepare(experiment, data_dir, told)
    with RunDirectory.open(directory, *identity, resume) as run:
      return _run(experiment, run, prepared, profile, told)


@dataclasses.dataclass(frozen=True)
class _Prepared:
  """An experiment that nothing is wrong with, as far as can be told."""

  assembled: assembly.Assembly
  federated: tff.templates.IterativeProcess
  device: device.Device


def _prepare(
  experiment: schema.Experiment, data_dir: str, watcher: Watcher
) -> _Prepared:
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
  return _Prepared(assembled, process.build_process(plan), chosen)


def _run(
  experiment: schema.Experiment,
  run: RunDirectory,
  prepared: _Prepared,
  profile: bool,
  watcher: Watcher,
) -> dict[str, Any]:
  assembled = prepared.assembled
  plan, federation = assembled.plan, assembled.federation
  inputs = assembled.inputs.record()
  run.take_data(inputs)
  run.write_labels(
    label_distribution(
      federation.y, federation.offsets, federation.num_classes
    ),
    assembled.malicious,
  )
  with build.build_runtime(
    experiment.runtime,
    prepared.federated,
    prepared.device,
    concatenates=not plan.streams,
  ) as runtime:
    state = runtime.initialize()
    last_round, state = _restored(run, plan.model, state)
    state = tf.nest.map_structure(tf.convert_to_tensor, state)
    with MetricWriter(run.path, resume_after=last_round) as writer:
      if last_round == 0:
        writer.write_hyperparameters(
          hyperparameters.hyperparameters(dump.to_dict(experiment))
        )
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
        checkpoint.save(
          run.checkpoints, round_number, _whole(plan.model, state)
        )
        watcher.update(round_number, metrics)
      result = {**_summarize(experiment, writer.rows), 'data': inputs}
  run.finish(result)
  return result


def _whole(model: FlatModel, state: Any) -> dict[str, Any]:
  """Returns the state as it is saved: with frozen weights among the weights."""
  return {**state, 'weights': model.whole(state['weights'])}


def _restored(
  run: RunDirectory, model: FlatModel, state: Any
) -> tuple[int, Any]:
  """Returns the last finished round, and the state after it."""
  rows = metric_rows.read_rows(run.path / run_directory.METRICS_JSONL)
  saved = checkpoint.restore(
    run.checkpoints,
    _whole(model, state),
    last_round=metric_rows.last_whole_round(rows),
  )
  if saved is None:
    return 0, state
  last_round, whole = saved
  trained = model.trained(whole['weights'])
  return last_round, type(state)({**whole, 'weights': trained})


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
