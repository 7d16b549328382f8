"""How heterogeneous the clients of a run are, for its summary."""

from typing import Optional

from flsec.data.dataset import Federation
from flsec.metrics import heterogeneity


def of(federation: Federation) -> dict[str, Optional[float]]:
  """Returns measures of what the clients hold.

  Returns:
    `label_distance`, how far the clients' labels are from those of all, and
    `intra_label_cosine`, the mean cosine of the examples of a label, as the
    model is given them (see `flsec.metrics.heterogeneity`); None where all of
    them are 0.
  """
  counts = heterogeneity.label_distribution(
    federation.y, federation.offsets, federation.num_classes
  )
  try:
    cosine = heterogeneity.intra_label_cosine(
      federation.x,
      federation.y,
      scale=federation.scale,
      shift=federation.shift,
    )
  except ValueError:  # No example has a direction.
    cosine = None
  return {
    'label_distance': heterogeneity.label_distance(counts),
    'intra_label_cosine': cosine,
  }
