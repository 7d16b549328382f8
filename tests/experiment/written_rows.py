"""Rows of made-up rounds, written, and what TensorBoard reads of them."""

import numpy as np
from tensorboard.backend.event_processing import (
  event_accumulator,
  plugin_event_accumulator,
)
from tensorboard.util import tensor_util

from flsec.experiment.metric_writer import MetricWriter


def metrics_of(round_number):
  """A round's numbers; evaluation every second round, the attack from 4."""
  generator = np.random.default_rng(round_number)
  metrics = {'update_norm/benign_mean': generator.random(dtype=np.float32)}
  if round_number % 2 == 0:
    metrics['test/accuracy'] = generator.random(dtype=np.float32)
    metrics['test/loss'] = generator.random()
  if round_number >= 4:
    metrics['attack/error_rate'] = np.float32(round_number / 3)
  metrics['rule/dropped_rows'] = round_number
  return metrics


def write(directory, rounds, **options):
  with MetricWriter(directory, **options) as writer:
    for round_number in rounds:
      writer.write_row(round_number, metrics_of(round_number))


def read_scalars(directory, tag):
  """Reads a scalar with the two readers that TensorBoard has, which agree."""
  shown = plugin_event_accumulator.EventAccumulator(str(directory))
  shown.Reload()
  events = [
    (event.step, tensor_util.make_ndarray(event.tensor_proto).item())
    for event in shown.Tensors(tag)
  ]
  older = event_accumulator.EventAccumulator(str(directory))
  older.Reload()
  assert [(e.step, e.value) for e in older.Scalars(tag)] == events
  return events


def read_text(directory, tag):
  reader = plugin_event_accumulator.EventAccumulator(str(directory))
  reader.Reload()
  return [(e.step, e.tensor_proto.string_val[0]) for e in reader.Tensors(tag)]
