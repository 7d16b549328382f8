"""One run: its phases one after the other, from wherever it stopped."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from flsec.config import dump, estimate, schema
from flsec.experiment import (
  assembly,
  attack_checks,
  decision_phase,
  folder_lock,
  heterogeneity_record,
  metric_rows,
  model_record,
  pictures,
  place,
  run_directory,
  summary,
  training_phase,
)
from flsec.experiment.clients import Clients
from flsec.experiment.evaluation import evaluator_of
from flsec.experiment.journal import Journal
from flsec.experiment.metric_writer import MetricWriter
from flsec.experiment.place import Place, Saved
from flsec.experiment.prefix import Prefix
from flsec.experiment.progress import Progress, Watcher
from flsec.experiment.round_checks import RoundChecks
from flsec.experiment.run_directory import RunDirectory
from flsec.experiment.run_logger import build_logger
from flsec.experiment.session import Session
from flsec.experiment.shared_rounds import SharedRounds
from flsec.federated import process
from flsec.metrics.heterogeneity import label_distribution
from flsec.runtime import device, memory, threads


def run_cell(
  experiment: schema.Experiment,
  *,
  directory: pathlib.Path,
  data_dir: str,
  resume: bool = True,
  profile: bool = False,
  watcher: Optional[Watcher] = None,
  prefixes: Sequence[Prefix] = (),
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
    prefixes: rounds that other cells of a sweep have in common with this one;
      the longest first.

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
      return _run(experiment, run, prepared, profile, told, prefixes)


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
  prefixes: Sequence[Prefix],
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
  model_record.write(run.path, plan.model)
  with contextlib.closing(
    Clients(experiment, assembled, prepared.device)
  ) as clients:
    training = clients.runtime(
      'round', lambda: prepared.federated, concatenates=not plan.streams
    )
    first = training.initialize()
    start = _start(run, first, assembled)
    shared = SharedRounds(
      prefixes,
      experiment,
      assembled,
      uses_xla=prepared.device.uses_xla,
      data=inputs,
      state=first,
      finished=int(start.state['round']),
    )
    logger, config = build_logger(experiment), dump.to_dict(experiment)
    with (
      contextlib.closing(shared),
      Journal(run, assembled, start, watcher, logger, config) as journal,
    ):
      if start.num_rows == 0:
        _write_preface(journal.writer, experiment, assembled)
      session = Session(
        experiment=experiment,
        assembled=assembled,
        clients=clients,
        training=training,
        evaluator=evaluator_of(experiment, assembled),
        checks=RoundChecks(experiment.server, plan.rule),
        journal=journal,
        shared=shared,
        directory=run.path,
        profiles=profile,
      )
      finished = len(journal.writer.rows)
      watcher.begin(_num_rows(session), finished, experiment.name)
      _run_phases(session, start)
      summarized = summary.of_experiment(experiment, journal.writer.rows)
  spread = {'heterogeneity': heterogeneity_record.of(federation)}
  result = {**summarized, **spread, 'data': inputs}
  run.finish(result)
  return result


def _start(
  run: RunDirectory, state: Any, assembled: assembly.Assembly
) -> Saved:
  """Returns the last checkpoint, or the beginning."""
  has_best = any(p.rounds and p.rounds.judge for p in assembled.phases)
  best = np.zeros([assembled.plan.dimension if has_best else 0], np.float32)
  rows = metric_rows.read_rows(run.path / run_directory.METRICS_JSONL)
  start = place.restore(
    run.checkpoints,
    assembled.plan.model,
    Saved(metric_rows.num_whole_rows(rows), state, Place(), best),
  )
  start = start or Saved(0, state, Place(), best)
  state = tf.nest.map_structure(tf.convert_to_tensor, start.state)
  return dataclasses.replace(start, state=state)


def _run_phases(session: Session, start: Saved) -> None:
  """Runs what is left of every phase."""
  state, phases = start.state, session.assembled.phases
  for index in range(start.place.phase, len(phases)):
    at = start.place if index == start.place.phase else Place(index)
    run = training_phase.run if phases[index].rounds else decision_phase.run
    state = run(session, phases[index], state, at)


def _num_rows(session: Session) -> Optional[int]:
  """Returns how many rows the run will have; None: its phases will tell."""
  phases = session.assembled.phases
  if any(phase.decide or phase.rounds.judge for phase in phases):
    return None
  return sum(p.rounds.most or session.experiment.rounds for p in phases)


def _write_preface(
  writer: MetricWriter,
  experiment: schema.Experiment,
  assembled: assembly.Assembly,
) -> None:
  writer.write_text('config', f'```\n{dump.to_yaml(experiment)}\n```')
  pictures.write_pictures(writer, assembled, experiment.clients.batch_size)
