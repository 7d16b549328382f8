"""fl-analysis' first schema: all keys at the top."""

import pytest
import reference_files

from flsec.config import loading, reference_stack, yaml_file
from flsec.config.errors import ConfigError


@pytest.fixture
def flat():
  return reference_files.flat()


def test_every_key_finds_its_place(flat):
  config = reference_stack.convert(flat).config
  loading.from_mapping(config)
  assert config == {
    'name': 'converted',
    'seed': 0,
    'rounds': 6,
    'dataset': {
      'name': 'mnist',
      'partition': {'name': 'dirichlet', 'alpha': 0.9, 'by': 'class'},
    },
    'model': {'name': 'bhagoji'},
    'clients': {
      'num_clients': 20,
      'epochs': 2,
      'batch_size': 24,
      'optimizer': {
        'name': 'adam',
        'learning_rate': 0.001,
        'persistent': True,
      },
      'num_selected': 10,
      'selection': 'attack_frequency',
      'attack_frequency': 1.0,
    },
    'attack': {
      'name': 'model_replacement',
      'attack': {'name': 'label_flip', 'source_label': 7, 'target_label': 1},
      'scale': 30.0,
      'num_byzantine': 3,
      'start_round': 2,
      'stop_round': 5,
      'placement': 'sampled',
      # Ten passes of 200 batches, which its command line has by default.
      'training': {'steps': 2000, 'num_poisoned': 20},
    },
    'server': {'aggregator': {'name': 'mean', 'weighted': False}},
    'evaluation': {'every': 1},
  }


def test_notes_name_the_keys_of_the_file(flat):
  flat.update(augment_data=True, poison_samples=25)  # Of 24 in a batch.
  notes = reference_stack.convert(flat).notes
  keys = [note.partition(': ')[0] for note in notes]
  assert {'poison_samples', 'workers', 'augment_data'} <= set(keys)
  assert not any('.' in key for key in keys)


def test_defaults_are_those_of_its_command_line():
  raw = yaml_file.parse('{model: dev, num_malicious_clients: 0}', '')
  config = reference_stack.convert(raw).config
  clients = config['clients']
  assert (config['rounds'], config['model']) == (40, {'name': 'dev'})
  # All of them take part.
  assert clients['num_clients'] == 3 and 'selection' not in clients
  assert (clients['epochs'], clients['batch_size']) == (3, 128)
  assert clients['optimizer']['learning_rate'] == 0.0001
  assert config['dataset'] == {'name': 'mnist', 'partition': 'iid'}


def test_update_is_scaled_only_where_it_says_so(flat):
  flat['scale_attack'] = False
  assert reference_stack.convert(flat).config['attack']['name'] == 'label_flip'


def test_projection_is_onto_the_ball_of_pgd(flat):
  flat.update(pgd='l_inf', pgd_constraint=0.5)
  attack = reference_stack.convert(flat).config['attack']
  assert (attack['name'], attack['norm']) == ('projected', 'linf')
  assert (attack['radius'], attack['scale']) == (0.5, 30.0)
  del flat['pgd']
  attack = reference_stack.convert(flat).config['attack']
  assert attack['name'] == 'model_replacement'


def test_clip_l2_is_a_radius(flat):
  flat['clip_l2'] = 2
  server = reference_stack.convert(flat).config['server']
  assert server['preaggregators'] == [{'name': 'clipping', 'radius': 2.0}]


@pytest.mark.parametrize(
  'change, message',
  [
    ({'clip': 0.05}, "clip: 'linf' clips each weight"),
    ({'estimate_other_updates': True}, 'estimate_other_updates: '),
    ({'backdoor_stealth': True}, 'backdoor_stealth: '),
    ({'ignore_malicious_update': True}, 'ignore_malicious_update: '),
    (
      {'attack_type': 'segment_poisoning'},
      "attack_type: 'segment_poisoning' trains on poisoned examples alone",
    ),
    ({'attack_type': 'deviate_max_norm'}, "attack_type: 'deviate_max_norm'"),
    ({'model_name': 'bhagoji_intrinsic'}, "model_name: 'bhagoji_intrinsic'"),
    ({'q_bits': 16, 'q_frac': 7}, 'quantization: '),
    ({'federated_dropout_rate': 0.5}, 'server.federated_dropout: '),
    (
      {'num_malicious_clients': 15},
      'num_selected_malicious_clients.* 15 malicious clients in a round',
    ),
    ({'num_clients': 'many'}, "num_clients: expected int; found 'many'"),
  ],
)
def test_what_would_be_another_experiment_is_refused(flat, change, message):
  flat.update(change)
  with pytest.raises(ConfigError, match=message):
    reference_stack.convert(flat)
