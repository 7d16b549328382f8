"""Tests of the pictures for TensorBoard."""

import numpy as np
import pytest

from flsec import attacks
from flsec.aggregators import build
from flsec.config import schema
from flsec.data.dataset import Federation, Split
from flsec.experiment import pictures
from flsec.experiment.assembly import Assembly
from flsec.federated.plan import AttackPlan, Plan
from flsec.models import mlp
from flsec.models.flat import FlatModel


class _Writer:
  def __init__(self):
    self.images = {}

  def write_image(self, name, image, round_number):
    assert round_number == 0
    self.images[name] = image


def _assembly(attack, malicious):
  rng = np.random.default_rng(0)
  x = rng.integers(0, 255, (20, 8, 8, 1), np.uint8)
  y = (np.arange(20) % 3).astype(np.int32)
  model = FlatModel(mlp.mlp(input_shape=(8, 8, 1), num_classes=3, hidden=(4,)))
  plan = Plan(
    model=model,
    clients=schema.ClientsConfig(
      num_clients=2, optimizer=schema.OptimizerConfig(learning_rate=0.1)
    ),
    rule=build('mean'),
    initial_weights=model.initial_weights(0),
    seed=1,
    attack=attack and AttackPlan(attack, malicious, 'none'),
  )
  federation = Federation(
    x, y, np.array([0, 10, 20]), Split(x, y), 3, 1 / 255, 0.0
  )
  return Assembly(plan, federation, malicious)


def _written(attack=None, malicious=(False, False)):
  writer = _Writer()
  assembled = _assembly(attack, np.array(malicious))
  pictures.write_pictures(writer, assembled, batch_size=10)
  return writer.images


def test_label_distribution_has_a_row_a_class_and_a_column_a_client():
  images = _written()
  assert list(images) == ['data/label_distribution']
  # Cells of 20 pixels, right of and below their numbers.
  assert images['data/label_distribution'].shape == (13 + 60, 9 + 40, 1)
  assert images['data/label_distribution'].dtype == np.uint8


def test_victims_and_poisoned_examples_of_a_backdoor():
  attack = attacks.build(
    'badnets',
    trigger={'patch': [2, 2], 'position': [-2, -2], 'value': 1.0},
    target_label=0,
    poison_fraction=1.0,
    num_classes=3,
    input_shape=(8, 8, 1),
  )
  images = _written(attack, (False, True))
  victims, poisoned = images['attack/victims'], images['attack/poisoned']
  # Eight pixels are ten times as large (80 to 84), with two of white around,
  # below fourteen of text.
  # Four victims a row, sqrt(8 98 / 84) being 3.1, and three pairs (2.2).
  assert victims.shape[:2] == (2 * 98, 4 * 84)
  assert poisoned.shape[:2] == (3 * 98, 3 * 164)
  # The patch, on the first victim; and to the right of the clean one.
  assert (victims[14 + 2 + 60 : 14 + 82, 2 + 60 : 82] == 255).all()
  assert (poisoned[14 + 2 + 60 : 14 + 82, 2 + 140 : 162] == 255).all()
  # Where the clean one is not white.
  assert (poisoned[14 + 2 + 60 : 14 + 82, 2 + 60 : 82] < 255).any()


@pytest.mark.parametrize('name', ['gradient_ascent', 'alie'])
def test_an_attack_on_no_example_shows_none(name):
  images = _written(attacks.build(name), (True, False))
  assert list(images) == ['data/label_distribution']
