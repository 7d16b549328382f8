"""fl-analysis' first schema, all keys at the top, in terms of its second.

Keys, defaults and meanings are those of its old command line, which the flat
files were read by.
"""

from collections.abc import Mapping
from typing import Any

_TRAINING = 'client.benign_training'
_OBJECTIVE = 'client.malicious.objective'
_BACKDOOR = 'client.malicious.backdoor'
# Where a key went to in the sections.
_PLACES = {
  **{
    key: f'environment.{key}'
    for key in (
      'num_clients',
      'num_selected_clients',
      'num_selected_malicious_clients',
      'num_malicious_clients',
      'attack_frequency',
      'attacker_full_dataset',
      'attacker_full_knowledge',
      'experiment_name',
      'ignore_malicious_update',
      'load_model',
      'print_every',
      'save_model_at',
      'save_norms',
      'save_updates',
      'save_weight_distributions',
      'seed',
      'workers',
    )
  },
  'keep_history': 'environment.save_history',
  **{
    key: f'server.{key}'
    for key in (
      'num_rounds',
      'num_test_batches',
      'global_learning_rate',
      'intrinsic_dimension',
    )
  },
  'aggregator': 'server.aggregator.name',
  'trimmed_mean_beta': 'server.aggregator.args.beta',
  'global_gaussian_noise': 'server.gaussian_noise',
  'federated_dropout_rate': 'server.federated_dropout.rate',
  # An unambiguous beginning of a key stood for it.
  'model': 'client.model_name',
  'model_name': 'client.model_name',
  'optimized_training': 'client.optimized_training',
  'quantization': 'client.quantization.type',
  'q_bits': 'client.quantization.bits',
  'q_frac': 'client.quantization.frac',
  'clip': 'client.clip.value',
  'clip_l2': 'client.clip.value',
  'clip_probability': 'client.clip.probability',
  'num_epochs': f'{_TRAINING}.num_epochs',
  'batch_size': f'{_TRAINING}.batch_size',
  'optimizer': f'{_TRAINING}.optimizer',
  'learning_rate': f'{_TRAINING}.learning_rate',
  'regularization_rate': f'{_TRAINING}.regularization_rate',
  'lr_decay': f'{_TRAINING}.decay.type',
  'decay_steps': f'{_TRAINING}.decay.decay_steps',
  'decay_rate': f'{_TRAINING}.decay.decay_rate',
  'decay_boundaries': f'{_TRAINING}.decay.decay_boundaries',
  'decay_values': f'{_TRAINING}.decay.decay_values',
  **{
    key: f'dataset.{key}'
    for key in (
      'dataset',
      'data_distribution',
      'number_of_samples',
      'augment_data',
    )
  },
  'attack_type': f'{_OBJECTIVE}.name',
  'attack_after': 'client.malicious.attack_start',
  'attack_stop_after': 'client.malicious.attack_stop',
  'estimate_other_updates': 'client.malicious.estimate_other_updates',
  'backdoor_stealth': 'client.malicious.stealth',
  'contamination_model': 'client.malicious.contamination',
  'pgd': 'client.malicious.evasion.args.norm_type',
  'pgd_constraint': 'client.malicious.evasion.args.pgd_factor',
  'scale_attack_weight': 'client.malicious.evasion.args.scale_factor',
  'mal_num_epochs': f'{_OBJECTIVE}.args.num_epochs',
  'mal_num_epochs_max': f'{_OBJECTIVE}.args.num_epochs_max',
  'mal_num_batch': f'{_OBJECTIVE}.args.num_batch',
  'mal_learning_rate': f'{_OBJECTIVE}.args.learning_rate',
  'mal_step_learning_rate': f'{_OBJECTIVE}.args.step_decay',
  'mal_decay_steps': f'{_OBJECTIVE}.args.decay_steps',
  'mal_decay_rate': f'{_OBJECTIVE}.args.decay_rate',
  'mal_target_loss': f'{_OBJECTIVE}.args.target_loss',
  'poison_samples': f'{_OBJECTIVE}.args.poison_samples',
  'backdoor_type': f'{_BACKDOOR}.type',
  'backdoor_tasks': f'{_BACKDOOR}.tasks',
  'aux_samples': f'{_BACKDOOR}.aux_samples',
  'edge_case_type': f'{_BACKDOOR}.edge_case_type',
  'backdoor_feature_aux_train': f'{_BACKDOOR}.train',
  'backdoor_feature_aux_test': f'{_BACKDOOR}.test',
  'backdoor_feature_target': f'{_BACKDOOR}.target_label',
  'backdoor_feature_remove_malicious': (
    f'{_BACKDOOR}.remove_from_benign_dataset'
  ),
  'backdoor_feature_augment_times': f'{_BACKDOOR}.augment_times',
}
_DEFAULTS = {
  'num_clients': 3,
  'num_malicious_clients': 0,
  'aggregator': 'FedAvg',
  'global_learning_rate': -1,
  'dataset': 'mnist',
  'data_distribution': 'IID',
  'num_rounds': 40,
  'num_epochs': 3,
  'batch_size': 128,
  'optimizer': 'Adam',
  'learning_rate': 0.0001,
}
_ATTACK_DEFAULTS = {
  'attack_type': 'untargeted',
  'backdoor_type': 'semantic',
  'backdoor_feature_target': 2,
  'backdoor_attack_objective': [7, 1],
  'poison_samples': 1,
}
# Of these it takes the first where there are several.
_LISTED = (
  'learning_rate',
  'mal_learning_rate',
  'mal_num_batch',
  'scale_attack_weight',
)
# Words of several times for batches with poisoned examples in them.
_TARGETED = ('backdoor', 'model_replacement')
_OBJECTIVES = {
  **dict.fromkeys(_TARGETED, 'TargetedAttack'),
  'untargeted': 'UntargetedAttack',
}


def is_flat(raw: Mapping[str, Any]) -> bool:
  """Tells whether a mapping is in the first schema."""
  return not isinstance(raw.get('dataset'), Mapping) and any(
    key in raw for key in _PLACES if key != 'dataset'
  )


def nested(raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
  """Returns the second schema's mapping, and what its paths are called here."""
  values = {**_DEFAULTS, **raw}
  for key in _LISTED:
    if isinstance(values.get(key), list) and values[key]:
      values[key] = values[key][0]
  if values['num_malicious_clients']:
    values = {**_ATTACK_DEFAULTS, **values}
    if values['attack_type'] in _TARGETED:
      values.setdefault('mal_num_batch', 200)
  if 'model' not in raw:
    values.setdefault('model_name', 'dev')
  if values.get('num_selected_clients') in (None, -1):
    values['num_selected_clients'] = values['num_clients']
  _name_attack(values)
  _name_clipping(values)
  if values.get('lr_decay') in ('None', None):
    values = {k: v for k, v in values.items() if not k.startswith('decay_')}
    values.pop('lr_decay', None)
  result: dict[str, Any] = {}
  for key, value in values.items():
    _put(result, _PLACES.get(key, key), value)
  names = {path: key for key, path in _PLACES.items() if key in raw}
  names |= {
    'client.clip': 'clip',
    'client.malicious': 'attack_type',
    'client.malicious.backdoor': 'backdoor_type',
    'client.benign_training.decay': 'lr_decay',
    'client.quantization': 'quantization',
    'server.aggregator': 'aggregator',
  }
  return result, names


def _name_attack(values: dict[str, Any]) -> None:
  """Puts labels and evasion where the second schema has them."""
  kind = values.get('attack_type')
  if isinstance(kind, str):
    values['attack_type'] = _OBJECTIVES.get(kind, kind)
  pair = values.pop('backdoor_attack_objective', None)
  if values.get('backdoor_type') == 'tasks' and isinstance(pair, list) and pair:
    values[f'{_BACKDOOR}.source_label'] = pair[0]
    values['backdoor_feature_target'] = pair[-1]
  if not values.pop('scale_attack', False):
    values.pop('scale_attack_weight', None)
  if values.get('pgd') is None:
    values.pop('pgd_constraint', None)
  if 'scale_attack_weight' in values or values.get('pgd'):
    values['client.malicious.evasion.name'] = 'NormBoundPGDEvasion'


def _name_clipping(values: dict[str, Any]) -> None:
  for key, kind in (('clip', 'linf'), ('clip_l2', 'l2')):
    if values.get(key):
      values['client.clip.type'] = kind
    else:
      values.pop(key, None)


def _put(mapping: dict[str, Any], path: str, value: Any) -> None:
  *sections, key = path.split('.')
  for section in sections:
    mapping = mapping.setdefault(section, {})
  mapping[key] = value
