"""The record of a run that its exported program has made on another machine.

The program returns what a round's computation returns, and the counts of its
tests; they are named and summed up here by the same code as those of a run.
"""

import pathlib
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from flsec.config import dump, estimate, schema
from flsec.experiment import (
  heterogeneity_record,
  model_record,
  run_directory,
  run_export,
  summary,
)
from flsec.experiment.metric_writer import MetricWriter
from flsec.experiment.round_checks import RoundError
from flsec.experiment.round_metrics import passed_on, round_metrics
from flsec.experiment.round_traffic import round_traffic
from flsec.experiment.run_export import RunProgram
from flsec.metrics.heterogeneity import label_distribution

DEVICE = 'device'
Results = Mapping[str, np.ndarray]


def write_run(
  experiment: schema.Experiment,
  path: pathlib.Path,
  *,
  directory: pathlib.Path,
  data_dir: str,
) -> dict[str, Any]:
  """Writes the folder of a run, as if it had been run here.

  Args:
    experiment: a validated, resolved configuration.
    path: the results by name, as `benchmarks/exported_run.py` writes them.
    directory: the run directory, which is not there yet.
    data_dir: folder of the data sets.

  Returns:
    What `summary.json` holds: as of a run, and the `device`.

  Raises:
    ValueError: the results are not those of this experiment, or hold a round
      in which a row did not count; or the directory cannot be used.
  """
  results = _read(path)
  _check(experiment, results)
  run = run_export.build_run(experiment, data_dir)
  rows = list(rows_of(experiment, run, results))
  inputs = run.assembled.inputs.record()
  federation = run.assembled.federation
  identity = dump.to_yaml(experiment), dump.fingerprint(experiment)
  with run_directory.RunDirectory.open(directory, *identity, False) as folder:
    if folder.is_done:
      raise ValueError(
        f'{directory} holds this run already, finished. Name another '
        '--output_dir, or move it away.'
      )
    folder.take_data(inputs)
    folder.write_labels(
      label_distribution(
        federation.y, federation.offsets, federation.num_classes
      ),
      run.assembled.malicious,
    )
    model_record.write(folder.path, run.assembled.plan.model)
    with MetricWriter(folder.path) as writer:
      for round_number, metrics in enumerate(rows, start=1):
        writer.write_row(round_number, metrics)
    summarized = {
      **summary.of_experiment(experiment, writer.rows),
      'heterogeneity': heterogeneity_record.of(federation),
      'data': inputs,
      DEVICE: str(results[DEVICE]),
    }
    folder.finish(summarized)
  return summarized


def rows_of(
  experiment: schema.Experiment, run: RunProgram, results: Results
) -> Iterator[dict[str, Any]]:
  """Yields the metrics of every round.

  Numbers of each client are kept of tested rounds alone, unless they are whole:
  what is computed from them is in the rows of those rounds.

  Raises:
    RoundError: in a round a row was not finite.
  """
  every, plan = experiment.evaluation.every, run.assembled.plan
  told = estimate.num_byzantine_told(experiment.server) if plan.attack else None
  for round_number in range(1, experiment.rounds + 1):
    test, rest = divmod(round_number, every)
    is_tested = rest == 0
    output = _output(results, experiment.rounds, round_number, test, is_tested)
    if output['num_dropped']:
      raise RoundError(
        f'Round {round_number} has {output["num_dropped"]} updates with NaN or '
        'infinity, which an exported program cannot leave out. Run this '
        'experiment by `flsec run`.'
      )
    metrics: dict[str, Any] = {}
    if is_tested:
      counted = _named(results, 'counted/')
      metrics.update(
        run.tests.metrics({name: v[test - 1] for name, v in counted.items()})
      )
    if plan.attack:
      metrics['attack/active'] = int(plan.attack.is_active(round_number))
    if is_tested:
      metrics.update(round_metrics(output, plan.rule, told))
    else:
      metrics['update_norm/aggregate'] = float(output['update_norm'])
      metrics.update(passed_on(output))
    metrics.update(round_traffic(output, plan.dimension))
    yield metrics


def _read(path: pathlib.Path) -> dict[str, np.ndarray]:
  try:
    with np.load(path) as file:
      return dict(file)
  except (OSError, ValueError, zipfile.BadZipFile) as error:
    raise ValueError(
      f'{path} holds no results of a program ({error}). Run '
      'benchmarks/exported_run.py, or name its folder by --results_dir.'
    ) from error


def _check(experiment: schema.Experiment, results: Results) -> None:
  fingerprint = dump.fingerprint(experiment)
  found = str(results.get('fingerprint', 'none'))
  if found != fingerprint:
    raise ValueError(
      'These are results of another experiment (fingerprint '
      f'{found}; that of this one is {fingerprint}). Export and run its '
      'program anew.'
    )
  rounds = len(results['metrics/num_dropped'])
  if rounds != experiment.rounds:
    raise ValueError(
      f'The results end after round {rounds} of {experiment.rounds}. Run the '
      'program to its end.'
    )


def _output(
  results: Results, rounds: int, round_number: int, test: int, is_tested: bool
) -> dict[str, np.ndarray]:
  """Returns a round's metrics struct, as far as it was kept."""
  return {
    name: values[round_number - 1]
    if len(values) == rounds
    else values[test - 1]
    for name, values in _named(results, 'metrics/').items()
    if len(values) == rounds or is_tested
  }


def _named(results: Results, prefix: str) -> dict[str, np.ndarray]:
  return {
    name[len(prefix) :]: value
    for name, value in results.items()
    if name.startswith(prefix)
  }
