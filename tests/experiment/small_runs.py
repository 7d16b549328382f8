"""Runs of the small experiment, and what they leave."""

import small_experiment

from flsec.experiment import loop, metric_rows, run_directory


def run(path, *changes, **options):
  """Runs the experiment, changed as by `--set`, into a folder."""
  experiment = small_experiment.load(*changes)
  return loop.run_cell(experiment, directory=path, data_dir='', **options)


def rows(path):
  """Returns what a run measured."""
  return metric_rows.read_rows(path / run_directory.METRICS_JSONL)


def untimed(value):
  """Returns rows, a summary or a part of one without times."""
  if isinstance(value, dict):
    return {
      k: untimed(v)
      for k, v in value.items()
      if 'time/' not in k and 'seconds' not in k
    }
  return [untimed(v) for v in value] if isinstance(value, list) else value
