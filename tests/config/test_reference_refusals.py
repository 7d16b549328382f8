"""What would become another experiment is refused, all of it at once."""

import pytest
import reference_files

from flsec.config import reference_stack, yaml_file
from flsec.config.errors import ConfigError


@pytest.mark.parametrize(
  'text', ['{}', '{a: 1}', '{environment: 3}', '- objective: {}', 'word', '']
)
def test_neither_schema(text):
  with pytest.raises(ConfigError, match='no configuration of the reference'):
    reference_stack.convert(yaml_file.parse(text, ''))


@pytest.mark.parametrize(
  'path, value',
  [
    ('client.quantization', {'type': 'probabilistic', 'bits': 8}),
    ('client.disable_bn', True),
    ('client.clip', {'type': 'linf', 'value': 0.1}),
    ('server.gaussian_noise', 0.1),
    ('server.federated_dropout', {'rate': 0.5}),
    ('server.aggregator.name', 'Average'),
    ('environment.ignore_malicious_update', True),
    ('environment.num_malicious_clients', True),
    ('client.model_name', 'stacked_lstm'),
    ('client.malicious.objective.name', 'AnticipateTfAttack'),
    ('client.malicious.evasion.name', 'TrimmedMeanEvasion'),
    ('client.malicious.estimate_other_updates', True),
    ('client.malicious.backdoor.type', 'semantic_pixel_pattern'),
    ('dataset.dataset', 'shakespeare'),
    ('dataset.dataset', None),
    ('dataset.data_distribution', None),
    ('environment.num_clients', None),
    ('server.num_rounds', None),
    ('server.global_learning_rate', None),
    ('client.benign_training.learning_rate', None),
  ],
)
def test_what_it_is_for_is_named(path, value):
  raw = reference_files.sections()
  reference_files.put(raw, path, value)
  with pytest.raises(ConfigError, match=f'another experiment.*\n  {path}: '):
    reference_stack.convert(raw)


def test_ball_that_no_attacker_projects_onto():
  raw = reference_files.sections()
  arguments = raw['client']['malicious']['evasion']['args']
  arguments.update(norm_type='median_l2', pgd_factor=1.0)
  with pytest.raises(ConfigError, match="onto 'median_l2' balls"):
    reference_stack.convert(raw)


def test_edge_cases_without_a_name():
  raw = reference_files.sections()
  raw['client']['malicious']['backdoor'] = {'type': 'edge'}
  with pytest.raises(ConfigError, match='edge_case_type'):
    reference_stack.convert(raw)


def test_all_reasons_are_named_at_once():
  raw = reference_files.sections()
  raw['dataset']['dataset'] = 'shakespeare'
  raw['client']['model_name'] = 'stacked_lstm'
  with pytest.raises(ConfigError) as error:
    reference_stack.convert(raw)
  assert 'dataset.dataset: ' in str(error.value)
  assert 'client.model_name: ' in str(error.value)


@pytest.mark.parametrize(
  'path, value',
  [
    ('client.quantization', {}),
    ('server.gaussian_noise', 0.0),
    ('environment.ignore_malicious_update', False),
    ('server.intrinsic_dimension', 1000),
  ],
)
def test_what_is_off_is_neither_refused_nor_noted(path, value):
  raw = reference_files.sections()
  reference_files.put(raw, path, value)
  conversion = reference_stack.convert(raw)
  assert not any(note.startswith(path) for note in conversion.notes)


def test_result_that_contradicts_itself():
  raw = reference_files.sections()
  raw['environment']['num_malicious_clients'] = 20
  raw['environment']['num_selected_malicious_clients'] = 3
  with pytest.raises(ConfigError, match=r'attack\.num_byzantine'):
    reference_stack.convert(raw)
