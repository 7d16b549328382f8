"""Pictures of the data and of the attack, for TensorBoard."""

import numpy as np
import tensorflow as tf

from flsec import seeds
from flsec.attacks.attack import AttackContext
from flsec.attacks.data import images
from flsec.experiment import cell_map, pixel_text
from flsec.experiment.assembly import Assembly
from flsec.experiment.metric_writer import MetricWriter
from flsec.metrics.heterogeneity import label_distribution

_MAX_IMAGES = 8
_BATCH = 64


def write_pictures(
  writer: MetricWriter, assembled: Assembly, batch_size: int
) -> None:
  """Shows who holds which classes, and what the attack does to examples.

  `data/label_distribution`: a row a class, a column a client, dark where it
  holds many. `attack/victims`: test images on which success is measured, under
  their class and the one that the attacker wants. `attack/poisoned`: examples
  of the first malicious client before (left) and after (right) poisoning, where
  the picture changes, under their class and the one they are trained as.

  Args:
    writer: where they go, at round 0.
    assembled: the experiment.
    batch_size: of local training.
  """
  federation, plan = assembled.federation, assembled.plan
  counts = label_distribution(
    federation.y, federation.offsets, federation.num_classes
  )
  shares = counts.T / max(1, counts.max())
  writer.write_image('data/label_distribution', cell_map.cell_map(shares), 0)
  if plan.attack is None:
    return
  attack, span = plan.attack.attack, plan.input_range
  test = federation.test
  victims = images.victim_images(
    attack,
    plan.model.inputs(test.x[:_BATCH]),
    tf.constant(test.y[:_BATCH], tf.int32),
    max_images=_MAX_IMAGES,
    input_range=span,
  )
  own = federation.client(int(np.flatnonzero(assembled.malicious)[0]))
  rows = slice(0, batch_size)
  context = AttackContext(
    weights=tf.constant(plan.initial_weights),
    round_number=tf.constant(plan.attack.start_round),
    seed=tf.constant(seeds.stream(plan.seed, 'pictures')),
    state=plan.attack.state,
    client_rank=tf.constant(0),
    layout=plan.model.layout,
    model=plan.model,
  )
  poisoned = images.poisoned_images(
    attack,
    plan.model.inputs(own.x[rows]),
    tf.constant(own.y[rows], tf.int32),
    context,
    max_images=_MAX_IMAGES,
    input_range=span,
  )
  for name, shown in (('victims', victims), ('poisoned', poisoned)):
    if len(shown):
      writer.write_image(f'attack/{name}', _captioned(shown), 0)


def _captioned(shown: images.Shown) -> np.ndarray:
  """Draws examples under `7>1`, or `7` where the label stays."""
  captions = [
    f'{label}>{wanted}' if label != wanted else f'{label}'
    for label, wanted in zip(shown.labels, shown.wanted)
  ]
  return pixel_text.captioned(shown.pixels, captions)
