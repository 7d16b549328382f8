"""Configurations as FLAP's reference code and fl-analysis ship them."""

import copy

import pytest
import reference_files

from flsec.config import loading, reference_stack, yaml_file
from flsec.config.errors import ConfigError

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
  return reference_files.flap()


@pytest.fixture
def benign():
  return copy.deepcopy(_BENIGN)


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
    assert reference_files.noted(reference_stack.convert(flap), path)

  def test_misspelt_and_unknown_keys_are_listed(self, flap):
    flap['client']['malicious']['atack_start'] = 3
    flap['extra'] = {'deep': {'key': 1}}
    conversion = reference_stack.convert(flap)
    assert reference_files.noted(conversion, 'client.malicious.atack_start')
    assert reference_files.noted(conversion, 'extra.deep.key')

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

  @pytest.mark.parametrize('said', [True, 'true`'])
  def test_augmentation_is_that_of_flsec(self, benign, said):
    # Its code takes any word for yes.
    benign['dataset']['augment_data'] = said
    conversion = reference_stack.convert(benign)
    clients = loading.from_mapping(conversion.config).clients
    # A tenth of the 28 or 32 pixels of a side.
    assert clients.augmentation.crop_padding == 3 and clients.augmentation.flip
    assert reference_files.noted(conversion, 'dataset.augment_data')

  def test_fashion_is_dealt_alike(self, benign):
    benign['dataset'].update(dataset='fmnist', data_distribution='nonIID')
    with pytest.raises(ConfigError, match='fmnist as IID alone'):
      reference_stack.convert(benign)
    benign['dataset']['data_distribution'] = 'IID'
    config = reference_stack.convert(benign).config
    assert config['dataset']['name'] == 'fashion_mnist'

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

  def test_malicious_clients_without_an_attack_are_noted(self, benign):
    benign['environment']['num_malicious_clients'] = 3
    conversion = reference_stack.convert(benign)
    assert 'attack' not in conversion.config
    assert reference_files.noted(
      conversion, 'environment.num_malicious_clients'
    )

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
