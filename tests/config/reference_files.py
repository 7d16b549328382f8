"""Small configurations in the two schemas of the reference code."""

from flsec.config import yaml_file

_SECTIONS = """
environment: {num_clients: 20, num_selected_clients: 10,
              num_malicious_clients: 3, attack_frequency: 1.0,
              experiment_name: small}
server: {num_rounds: 3, num_test_batches: 5, aggregator: {name: FedAvg},
         global_learning_rate: -1}
client:
  model_name: lenet5_mnist
  benign_training: {num_epochs: 1, batch_size: 8, learning_rate: 0.01}
  malicious:
    objective: {name: TargetedAttack, args: {num_epochs: 1, num_batch: 2,
                poison_samples: 4, learning_rate: 0.1}}
    evasion: {name: NormBoundPGDEvasion, args: {norm_type: l2,
              scale_factor: 10}}
    backdoor: {type: tasks, source_label: 7, target_label: 1, tasks: 3}
dataset: {dataset: mnist, data_distribution: IID}
"""
# A LeNet experiment of FLAP, with the keys that its files carry.
_FLAP = """
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
"""
_FLAT = """
num_clients: 20
num_selected_clients: 10
num_malicious_clients: 3
global_learning_rate: -1
attack_type: model_replacement
backdoor_type: tasks
backdoor_attack_objective: [7, 1]
attack_frequency: 1.0
attack_after: 2
attack_stop_after: 5
scale_attack: true
scale_attack_weight: 30
num_rounds: 6
batch_size: 24
num_epochs: 2
optimizer: Adam
learning_rate: 0.001
lr_decay: None
mal_num_epochs: 10
poison_samples: 20
model_name: bhagoji
save_updates: false
dataset: mnist
data_distribution: nonIID
workers: 4
"""


def sections():
  """Returns an attacked experiment in sections."""
  return yaml_file.parse(_SECTIONS, '')


def flap():
  """Returns an attacked, pruned experiment of FLAP, in sections."""
  return yaml_file.parse(_FLAP, '')


def flat():
  """Returns an attacked experiment with all keys at the top."""
  return yaml_file.parse(_FLAT, '')


def put(config, path, value):
  """Sets a value, in place; None takes it out."""
  *parents, key = path.split('.')
  for parent in parents:
    config = config.setdefault(parent, {})
  if value is None:
    del config[key]
  else:
    config[key] = value


def noted(conversion, path):
  """Returns what a conversion notes of a path."""
  return [note for note in conversion.notes if note.startswith(f'{path}: ')]
