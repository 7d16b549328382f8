"""Configurations as FLAP's reference code and fl-analysis ship them."""

import copy

import pytest

from flsec.config import loading, reference_stack, yaml_file

# A LeNet experiment of FLAP, with the keys that its files carry.
_FLAP = yaml_file.parse(
  """
environment:
  num_clients: 120
  num_selected_clients: 80
  num_malicious_clients: 16
  attack_frequency: 0.5
  experiment_name: "femnist lenet/flap"
  print_every: 1
  prune_frequency: 0.2
  paoding: 1
  pruneconv: 1
  reject: UNION
  save_model_at: [20]
  load_model: lenet5
  seed: 3
server:
  num_rounds: 30
  num_test_batches: 5
  aggregator: {name: TrimmedMean, args: {beta: 0.2}}
  global_learning_rate: -1
client:
  model_name: lenet5_mnist
  benign_training:
    num_epochs: 2
    batch_size: 24
    optimizer: Adam
    learning_rate: 0.001
  malicious:
    attack_start: 21
    attack_stop: 30
    objective:
      name: TargetedAttack
      args: {num_epochs: 5, num_batch: 16, poison_samples: 12,
             optimizer: Adam, learning_rate: 0.001, reduce_lr: false}
    evasion:
      name: NormBoundPGDEvasion
      args: {norm_type: l_inf, scale_factor: 30.0}
    multi_attacker_scale_divide: true
    backdoor: {type: tasks, source_label: 7, target_label: 1, tasks: 16,
               aux_samples: -1}
dataset: {dataset: femnist, data_distribution: nonIID, augment_data: false}
job: {cpu_cores: 20, minutes: 60}
""",
  '',
)
# A benign experiment of fl-analysis.
_BENIGN = yaml_file.parse(
  """
environment:
  num_clients: 10
  num_selected_clients: 10
  num_malicious_clients: 0
  experiment_name: mnist_benign
server:
  num_rounds: 40
  num_test_batches: -1
  aggregator: {name: FedAvg}
  global_learning_rate: 1
client:
  model_name: fc_mnist
  benign_training: {num_epochs: 1, batch_size: 64, optimizer: SGD,
                    learning_rate: 0.01, decay: {type: exponential}}
  optimized_training: false
dataset: {dataset: mnist, data_distribution: IID, number_of_samples: 6000}
""",
  '',
)


@pytest.fixture
def flap():
  return copy.deepcopy(_FLAP)


@pytest.fixture
def benign():
  return copy.deepcopy(_BENIGN)


def _noted(conversion, path):
  return [note for note in conversion.notes if note.startswith(f'{path}: ')]


class TestFlap:
  def test_result_is_a_valid_experiment(self, flap):
    conversion = reference_stack.convert(flap)
    experiment = loading.from_mapping(conversion.config)
    assert experiment.name == 'femnist_lenet_flap'
    assert (experiment.rounds, experiment.seed) == (30, 3)

  def test_clients(self, flap):
    clients = reference_stack.convert(flap).config['clients']
    assert (clients['num_clients'], clients['num_selected']) == (120, 80)
    assert clients['selection'] == 'attack_frequency'
    assert clients['attack_frequency'] == 0.5
    assert (clients['epochs'], clients['batch_size']) == (2, 24)
    assert clients['optimizer'] == {
      'name': 'adam',
      'learning_rate': 0.001,
      'persistent': True,
    }

  def test_attack_is_a_scaled_label_flip(self, flap):
    attack = reference_stack.convert(flap).config['attack']
    assert attack == {
      'name': 'model_replacement',
      'attack': {'name': 'label_flip', 'source_label': 7, 'target_label': 1},
      'scale': 30.0,
      'num_byzantine': 16,
      'start_round': 21,
      'stop_round': 30,
      'placement': 'sampled',
      # Five passes, cut short, at their own rate; half of a batch poisoned.
      'training': {
        'epochs': 5,
        'batches': 16,
        'learning_rate': 0.001,
        'optimizer': 'adam',
        'num_poisoned': 12,
      },
      'compose': ['shared_update'],
    }

  def test_one_attacker_shares_with_nobody(self, flap):
    flap['environment']['num_selected_malicious_clients'] = 1
    conversion = reference_stack.convert(flap)
    assert 'compose' not in conversion.config['attack']
    path = 'client.malicious.multi_attacker_scale_divide'
    assert _noted(conversion, path)

  @pytest.mark.parametrize(
    'args, training, noted',
    [
      ({}, None, []),
      ({'num_epochs': 3}, {'epochs': 3}, []),
      ({'num_batch': [200]}, None, ['num_batch']),
      (
        {'learning_rate': 0.1, 'optimizer': 'SGD', 'step_decay': True},
        {'learning_rate': 0.1, 'optimizer': 'sgd'},
        ['optimizer', 'step_decay'],
      ),
      ({'optimizer': 'SGD'}, None, ['optimizer']),
      ({'poison_samples': 24}, {'num_poisoned': 24}, []),
      ({'poison_samples': 25}, None, ['poison_samples']),
    ],
  )
  def test_attackers_training(self, flap, args, training, noted):
    flap['client']['malicious']['objective']['args'] = args
    conversion = reference_stack.convert(flap)
    assert conversion.config['attack'].get('training') == training
    loading.from_mapping(conversion.config)
    for name in noted:
      assert _noted(conversion, f'client.malicious.objective.args.{name}')

  def test_data_rule_and_schedule(self, flap):
    config = reference_stack.convert(flap).config
    assert config['dataset']['name'] == 'femnist'
    assert config['dataset']['partition'] == 'by_writer'
    pruning = config['pruning']
    assert (pruning['start_round'], pruning['every']) == (5, 5)
    assert pruning['criterion'] == 'saliency'
    assert pruning['layers'] == ['conv', 'dense']

  @pytest.mark.parametrize(
    'path',
    [
      'environment.reject',
      'environment.load_model',
      'environment.save_model_at',
      'environment.paoding',
      'server.num_test_batches',
      'client.malicious.backdoor.tasks',
      'client.benign_training.batch_size',
      'job',
    ],
  )
  def test_what_is_lost_or_means_something_else_is_listed(self, flap, path):
    assert _noted(reference_stack.convert(flap), path)

  def test_misspelt_and_unknown_keys_are_listed(self, flap):
    flap['client']['malicious']['atack_start'] = 3
    flap['extra'] = {'deep': {'key': 1}}
    conversion = reference_stack.convert(flap)
    assert _noted(conversion, 'client.malicious.atack_start')
    assert _noted(conversion, 'extra.deep.key')

  def test_rejection_stands_around_the_rule(self, flap):
    config = reference_stack.convert(flap).config
    # Five batches of 24 of the test set, as the reference code judges by.
    assert config['dataset']['validation'] == {
      'size': 120,
      'source': 'test',
      'balanced': False,
    }
    assert config['server']['aggregator'] == {
      'name': 'union_rejection',
      'rule': {'name': 'trimmed_mean', 'trim_fraction': 0.2},
      'num_rejected': 1,
    }

  def test_booleans_have_no_nonsense_note(self, flap):
    notes = reference_stack.convert(flap).notes
    assert not any('expected' in note for note in notes)
    # Nothing is lost with what is off.
    assert not any(note.startswith('dataset.augment_data') for note in notes)


class TestBenign:
  def test_result_is_a_valid_experiment(self, benign):
    config = reference_stack.convert(benign).config
    experiment = loading.from_mapping(config)
    assert experiment.attack is None and experiment.pruning is None
    assert experiment.clients.selection == 'all'
    assert experiment.dataset.num_train == 6000
    assert experiment.model.options['hidden'] == (500, 150)
    assert config['server']['aggregator'] == {'name': 'mean', 'weighted': False}
    assert config['clients']['optimizer'] == {
      'name': 'sgd',
      'learning_rate': 0.01,
      'persistent': False,
      'momentum': 0.9,
    }

  def test_decay_is_listed(self, benign):
    notes = reference_stack.convert(benign).notes
    assert any('client.benign_training.decay' in note for note in notes)

  def test_global_rate_is_divided_by_all_clients_there(self, benign):
    benign['environment']['num_selected_clients'] = 4
    server = reference_stack.convert(benign).config['server']
    assert server['learning_rate'] == pytest.approx(0.4)


class TestPieces:
  @pytest.mark.parametrize(
    'aggregator, expected',
    [
      ({'name': 'Median'}, {'name': 'median'}),
      (
        {'name': 'Krum', 'args': {'byz': 0.3}},
        {'name': 'multi_krum', 'num_byzantine': 24, 'replication': 'flap'},
      ),
      ({'name': 'FedAvg'}, {'name': 'mean', 'weighted': False}),
    ],
  )
  def test_rules(self, flap, aggregator, expected):
    flap['server']['aggregator'] = aggregator
    flap['environment']['reject'] = None
    config = reference_stack.convert(flap).config
    assert config['server']['aggregator'] == expected

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
  def test_objectives(self, flap, change, expected):
    flap['client']['malicious'].update(change)
    flap['client']['malicious']['evasion'] = None
    attack = reference_stack.convert(flap).config['attack']
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
  def test_evasions_wrap_the_attack(self, flap, evasion, expected):
    flap['client']['malicious']['evasion'] = evasion
    attack = reference_stack.convert(flap).config['attack']
    assert attack['attack']['name'] == 'label_flip'
    assert {key: attack[key] for key in expected} == expected

  def test_malicious_clients_without_an_attack_are_noted(self, benign):
    benign['environment']['num_malicious_clients'] = 3
    conversion = reference_stack.convert(benign)
    assert 'attack' not in conversion.config
    assert _noted(conversion, 'environment.num_malicious_clients')

  def test_given_indices(self, flap):
    flap['environment']['malicious_client_indices'] = list(range(16))
    attack = reference_stack.convert(flap).config['attack']
    assert attack['indices'] == list(range(16)) and 'placement' not in attack

  @pytest.mark.parametrize('frequency, every', [(0.25, 4), (0.3, 3), (1, 1)])
  def test_pruning_schedule(self, flap, frequency, every):
    flap['environment']['prune_frequency'] = frequency
    pruning = reference_stack.convert(flap).config['pruning']
    assert (pruning['start_round'], pruning['every']) == (every, every)

  @pytest.mark.parametrize(
    'clip, expected',
    [
      (
        {'type': 'median_l2', 'value': 5.0},
        {'name': 'clipping', 'median_factor': 5.0},
      ),
      ({'type': 'l2', 'value': 2}, {'name': 'clipping', 'radius': 2.0}),
    ],
  )
  def test_clipping_comes_before_the_rule(self, benign, clip, expected):
    benign['client']['clip'] = clip
    server = reference_stack.convert(benign).config['server']
    assert server['preaggregators'] == [expected]

  def test_loaded_model_is_what_the_run_starts_from(self, benign):
    benign['environment']['load_model'] = '../models/lenet5.h5'
    config = reference_stack.convert(benign).config
    assert config['start_from'] == '../models/lenet5.h5'
