"""Channels of a layer as entries of the weight vector."""

import numpy as np

from flsec.models.layout import Layer, Layout
from flsec.pruning import masks

# A point to which no search comes.
NEVER = np.iinfo(np.int32).max


def entries(layout: Layout, layer: Layer) -> list[np.ndarray]:
  """Returns, for each channel, the places of what makes it speak.

  Its kernel's column, its bias, and gamma and beta of the normalisation behind
  it (see `flsec.pruning.masks.own_spans`).

  Returns:
    C arrays int64, in the order of the channels.
  """
  columns = [
    np.arange(span.start, span.stop).reshape(-1, layer.units)
    for span in masks.own_spans(layout, layer)
  ]
  stacked = np.concatenate(columns)  # [entries of a channel, C]
  return [stacked[:, channel] for channel in range(layer.units)]


def removed(mask: np.ndarray, layout: Layout, layer: Layer) -> np.ndarray:
  """Tells which channels are removed altogether, bool [C].

  Args:
    mask: bool [d], what is removed for good.
    layout: of the vector.
    layer: whose channels.
  """
  return np.array([mask[own].all() for own in entries(layout, layer)])


def check_prunable(user: str, layout: Layout, layer: Layer) -> None:
  """Refuses the output layer: its units are the classes.

  Raises:
    ValueError: names the layer.
  """
  if layer.name == layout.output:
    raise ValueError(
      f'{user}: {layer.name!r} is the output layer, and its units are the '
      'classes. Name another `layer`, or leave it out for the last conv layer.'
    )
