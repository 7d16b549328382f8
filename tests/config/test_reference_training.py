"""How the attackers of a reference configuration train, in terms of ours."""

import pytest
import reference_files

from flsec.config import loading, reference_stack

_ARGS = 'client.malicious.objective.args'


def _converted(raw):
  """Returns `attack.training` of a valid result, and the keys of all notes."""
  conversion = reference_stack.convert(raw)
  loading.from_mapping(conversion.config)
  keys = [note.partition(': ')[0] for note in conversion.notes]
  return conversion.config['attack'].get('training'), keys


@pytest.mark.parametrize(
  'args, training, noted',
  [
    ({}, None, []),
    ({'num_epochs': 3}, {'epochs': 3}, []),
    # A pass is of so many batches, however few examples an attacker holds.
    ({'num_epochs': 6, 'num_batch': 200}, {'steps': 1200}, []),
    # The two passes of everybody.
    ({'num_batch': 200}, {'steps': 400}, []),
    ({'num_batch': [200]}, None, ['num_batch']),
    ({'num_epochs': True}, None, ['num_epochs']),
    (
      {'learning_rate': 0.1, 'optimizer': 'SGD', 'step_decay': True},
      {'learning_rate': 0.1, 'optimizer': 'sgd'},
      ['step_decay'],
    ),
    (
      {'optimizer': 'SGD'},
      {'learning_rate': 0.001, 'optimizer': 'adam'},
      ['optimizer'],
    ),
    ({'optimizer': 'Lion'}, None, ['optimizer']),
    ({'poison_samples': 24}, {'num_poisoned': 24}, []),
    ({'poison_samples': 25}, None, ['poison_samples']),
    # What is off changes nothing.
    ({'noise_level': None, 'attacker_full_dataset': False}, None, []),
    ({'attacker_full_dataset': True}, None, ['attacker_full_dataset']),
  ],
)
def test_attackers_training(args, training, noted):
  raw = reference_files.flap()
  raw['client']['malicious']['objective']['args'] = args
  found, keys = _converted(raw)
  assert found == training
  args = [key for key in keys if key.startswith(f'{_ARGS}.')]
  assert args == [f'{_ARGS}.{name}' for name in noted]


def test_attackers_sgd_has_no_momentum():
  # That of all has 0.9, and attackers build their own.
  raw = reference_files.flap()
  raw['client']['benign_training']['optimizer'] = 'SGD'
  raw['client']['malicious']['objective']['args'] = {
    'optimizer': 'SGD',
    'learning_rate': 0.1,
  }
  _converted(raw)
  config = reference_stack.convert(raw).config
  experiment = loading.from_mapping(config)
  clients = experiment.clients
  assert clients.optimizer.momentum == 0.9
  assert experiment.attack.training.of(clients).optimizer.momentum == 0


def test_untargeted_attack_passes_over_all_examples():
  raw = reference_files.flap()
  raw['client']['malicious']['objective'] = {
    'name': 'UntargetedAttack',
    'args': {'num_epochs': 2, 'num_batch': 3},
  }
  training, keys = _converted(raw)
  assert training == {'epochs': 2} and f'{_ARGS}.num_batch' in keys


class TestFlat:
  def test_passes_have_200_batches_where_it_says_nothing(self):
    raw = reference_files.flat()
    del raw['mal_num_epochs']
    training, _ = _converted(raw)
    # Two passes, as everybody.
    assert training == {'steps': 400, 'num_poisoned': 20}

  def test_first_of_several_counts(self):
    raw = reference_files.flat()
    raw.update(mal_num_batch=[4, 8], mal_learning_rate=[0.1, 1])
    training, _ = _converted(raw)
    assert training['steps'] == 40 and training['learning_rate'] == 0.1

  def test_attackers_keep_the_momentum_of_all(self):
    raw = reference_files.flat()
    raw.update(optimizer='SGD', mal_learning_rate=0.1)
    training, keys = _converted(raw)
    assert 'optimizer' not in training and 'optimizer' in keys

  def test_nobody_attacks(self):
    raw = reference_files.flat()
    raw['num_malicious_clients'] = 0
    for key in [*raw]:
      if key.startswith(('mal_', 'attack_', 'backdoor_', 'scale_', 'poison_')):
        del raw[key]
    conversion = reference_stack.convert(raw)
    assert 'attack' not in conversion.config
    # There is nothing that could be lost.
    assert not any('malicious' in note for note in conversion.notes)
