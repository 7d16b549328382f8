"""The attack of a reference configuration, as a section of ours."""

import pytest
import reference_files

from flsec.config import reference_stack


@pytest.fixture
def flap():
  return reference_files.flap()


def _attack(raw):
  return reference_stack.convert(raw).config['attack']


def test_attack_is_a_scaled_label_flip(flap):
  attack = _attack(flap)
  assert attack == {
    'name': 'model_replacement',
    'attack': {'name': 'label_flip', 'source_label': 7, 'target_label': 1},
    'scale': 30.0,
    'num_byzantine': 16,
    'start_round': 21,
    'stop_round': 30,
    'placement': 'sampled',
    # Five passes of 16 batches at their own rate; half of a batch poisoned.
    'training': {
      'steps': 80,
      'learning_rate': 0.001,
      'optimizer': 'adam',
      'num_poisoned': 12,
    },
    'compose': ['shared_update'],
  }


def test_one_attacker_shares_with_nobody(flap):
  flap['environment']['num_selected_malicious_clients'] = 1
  conversion = reference_stack.convert(flap)
  assert 'compose' not in conversion.config['attack']
  path = 'client.malicious.multi_attacker_scale_divide'
  assert reference_files.noted(conversion, path)


@pytest.mark.parametrize(
  'change, expected',
  [
    (
      {'objective': {'name': 'UntargetedAttack'}},
      {'name': 'gradient_ascent'},
    ),
    (
      {'backdoor': {'type': 'pixel_pattern', 'target_label': 2}},
      {
        'name': 'badnets',
        'trigger': 'fl_analysis',
        'target_label': 2,
        'num_poisoned': 12,
      },
    ),
    (
      {
        'backdoor': {
          'type': 'tasks_pixel_pattern',
          'source_label': 5,
          'trigger_position': 4,
        }
      },
      {
        'name': 'badnets',
        'trigger': {'patch': [4, 4], 'position': [4, 4]},
        'target_label': 7,
        'source_label': 5,
        'num_poisoned': 12,
      },
    ),
    (
      # Its code labels these 9, whatever the file says.
      {
        'backdoor': {
          'type': 'edge',
          'edge_case_type': 'NorthWesternEdgeCase',
          'target_label': 2,
        }
      },
      {'name': 'edge_case', 'file': 'edge_examples.npz', 'target_label': 9},
    ),
    (
      {
        'backdoor': {
          'type': 'semantic',
          'train': [3, 4],
          'test': [5],
          'target_label': 2,
        }
      },
      {
        'name': 'edge_case',
        'file': 'semantic_examples.npz',
        'target_label': 2,
        'num_poisoned': 12,
      },
    ),
  ],
)
def test_objectives(flap, change, expected):
  flap['client']['malicious'].update(change)
  flap['client']['malicious']['evasion'] = None
  attack = _attack(flap)
  assert {key: attack[key] for key in expected} == expected


@pytest.mark.parametrize(
  'evasion, expected',
  [
    (
      {
        'name': 'NormBoundPGDEvasion',
        'args': {'norm_type': 'l2', 'pgd_factor': 2, 'scale_factor': 5},
      },
      {'name': 'projected', 'radius': 2.0, 'norm': 'l2', 'scale': 5.0},
    ),
    (
      {'name': 'NeurotoxinEvasion', 'args': {'topk': 5}},
      {'name': 'neurotoxin', 'keep_fraction': 0.95},
    ),
  ],
)
def test_evasions_wrap_the_attack(flap, evasion, expected):
  flap['client']['malicious']['evasion'] = evasion
  attack = _attack(flap)
  assert attack['attack']['name'] == 'label_flip'
  assert {key: attack[key] for key in expected} == expected


def test_given_indices(flap):
  flap['environment']['malicious_client_indices'] = list(range(16))
  attack = _attack(flap)
  assert attack['indices'] == list(range(16)) and 'placement' not in attack


@pytest.mark.parametrize(
  'backdoor, distribution, text',
  [
    # Its Dirichlet split leaves the images of a semantic backdoor out.
    ('semantic', 'nonIID', 'no client holds'),
    ('semantic', 'IID', 'does not either'),
    ('edge', 'nonIID', 'does not either'),
  ],
)
def test_images_taken_from_honest_clients(flap, backdoor, distribution, text):
  flap['dataset']['data_distribution'] = distribution
  flap['client']['malicious']['backdoor'] = {
    'type': backdoor,
    'edge_case_type': 'NorthWesternEdgeCase',
    'train': [3],
    'test': [5],
    'remove_from_benign_dataset': True,
  }
  path = 'client.malicious.backdoor.remove_from_benign_dataset'
  (note,) = reference_files.noted(reference_stack.convert(flap), path)
  assert text in note


def test_pixel_pattern_augments_there(flap):
  flap['client']['malicious']['backdoor']['type'] = 'pixel_pattern'
  conversion = reference_stack.convert(flap)
  (note,) = reference_files.noted(conversion, 'client.malicious.backdoor.type')
  assert 'clients.augmentation' in note
