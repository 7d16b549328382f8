"""Phases that would remove more channels than there are."""

import numpy as np
import pytest

from flsec import defenses, models
from flsec.config.errors import ConfigError
from flsec.defenses import channels
from flsec.experiment import phase_assembly
from flsec.models.flat import FlatModel


@pytest.fixture(scope='module')
def layout():
  """Two convolutions of two and four channels."""
  net = models.build(
    'cnn', input_shape=(8, 8, 1), num_classes=3, filters=[2, 4], kernel_size=3,
    padding='same', hidden=[5],
  )  # fmt: skip
  return FlatModel(net).layout


def _phases(*options):
  return [defenses.build('prune', **one) for one in options]


def _without(layout, *gone):
  """What is removed where channels of the second convolution are."""
  removed = np.zeros(layout.size, bool)
  own = channels.entries(layout, layout['conv2'])
  for channel in gone:
    removed[own[channel]] = True
  return removed


def test_one_channel_stays(layout):
  phase_assembly.check_phases(_phases({'num_channels': 3}), layout)
  message = (
    r'phases\.0: prune: num_channels is 4, but of the 4 channels that are left '
    "in 'conv2' at most 3 may go"
  )
  with pytest.raises(ConfigError, match=message):
    phase_assembly.check_phases(_phases({'num_channels': 4}), layout)


def test_phases_before_it_count(layout):
  phases = _phases(
    {'num_channels': 2}, {'layer': 'conv1', 'num_channels': 1},
    {'num_channels': 1, 'layer': 'conv2'}, {'num_channels': 1},
  )  # fmt: skip
  phase_assembly.check_phases(phases[:3], layout)
  message = r'phases\.3: .*is 1, but of the 1 channels .* at most 0 may go'
  with pytest.raises(ConfigError, match=message):
    phase_assembly.check_phases(phases, layout)


def test_what_the_run_starts_without_counts(layout):
  phases = _phases({'num_channels': 2})
  phase_assembly.check_phases(phases, layout, _without(layout, 1))
  message = r"phases\.0: .*is 2, but of the 2 channels .* in 'conv2'"
  with pytest.raises(ConfigError, match=message):
    phase_assembly.check_phases(phases, layout, _without(layout, 1, 3))


def test_a_search_stops_by_itself(layout):
  phases = _phases({'num_channels': 3}, {}, {'test_every': 5})
  phase_assembly.check_phases(phases, layout)
