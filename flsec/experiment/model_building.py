"""Builds the model of an experiment."""

from flsec import models
from flsec.config import schema
from flsec.data.dataset import Federation
from flsec.models import starting_weights
from flsec.models.flat import FlatModel


def build_model(
  experiment: schema.Experiment, federation: Federation, *, uses_xla: bool
) -> FlatModel:
  """Builds an experiment's model for its data.

  Args:
    experiment: a validated configuration; its seed decides what the builder
      draws.
    federation: the data.
    uses_xla: leave convolutions to the kernels of XLA.

  Raises:
    ValueError: the model cannot be honoured, or does not fit the data.
  """
  facts = {
    'input_shape': tuple(federation.x.shape[1:]),
    'num_classes': federation.num_classes,
  }
  with starting_weights.drawing_from(experiment.seed):
    keras_model = models.build(
      experiment.model.name, **facts, **experiment.model.options
    )
  model = FlatModel(
    keras_model,
    scale=federation.scale,
    shift=federation.shift,
    mixed_precision=experiment.runtime.mixed_precision,
    by_patches=not uses_xla,
  )
  if len(keras_model.output_shape) != 2:
    raise ValueError(
      f'Model {experiment.model.name!r} puts out {keras_model.output_shape}; a '
      'classifier puts out (None, num_classes). Flatten before the last Dense '
      'layer.'
    )
  found = model.input_shape, model.num_classes
  if found != tuple(facts.values()):
    raise ValueError(
      f'Model {experiment.model.name!r} maps examples {found[0]} to {found[1]} '
      f'logits; those of data set {experiment.dataset.name!r} are '
      f'{facts["input_shape"]}, in {facts["num_classes"]} classes. Build it '
      'from its arguments input_shape and num_classes.'
    )
  return model
