"""Pictures of the data and of the attack, for TensorBoard."""

import numpy as np
import tensorflow as tf

from flsec import seeds
from flsec.attacks.attack import AttackContext
from flsec.attacks.data import images
from flsec.experiment.assembly import Assembly
from flsec.experiment.metric_writer import MetricWriter
from flsec.metrics.heterogeneity import label_distribution

_CELL_PIXELS = 12
_MAX_IMAGES = 8
_BATCH = 64


def write_pictures(
  writer: MetricWriter, assembled: Assembly, batch_size: int
) -> None:
  """Shows who holds which classes, and what the attack does to examples.

  `data/label_distribution`: a row a class, a column a client, dark where it
  holds many. `attack/victims`: test images on which success is measured.
  `attack/poisoned`: examples of the first malicious client before (left) and
  after (right) poisoning.

  Args:
    writer: where they go, at round 0.
    assembled: the experiment.
    batch_size: of local training.
  """
  federation, plan = assembled.federation, assembled.plan
  counts = label_distribution(
    federation.y, federation.offsets, federation.num_classes
  )
  writer.write_image('data/label_distribution', _heat_map(counts.T), 0)
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
  for name, pictures in (('victims', victims), ('poisoned', poisoned)):
    if len(pictures):
      writer.write_image(f'attack/{name}', np.concatenate(pictures, 1), 0)


def _heat_map(counts: np.ndarray) -> np.ndarray:
  """Draws int [rows, columns] as uint8 [h, w, 1], dark for the largest."""
  shades = 255 - np.round(255.0 * counts / max(1, counts.max()))
  cells = np.kron(shades, np.ones((_CELL_PIXELS, _CELL_PIXELS)))
  return cells.astype(np.uint8)[..., np.newaxis]
