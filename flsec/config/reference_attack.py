"""Converts the attack of a reference-stack configuration."""

from typing import Any, Optional

from flsec.config.tracked_mapping import TrackedMapping

_BASE = 'client.malicious'
# The reference stack's default for "never stops".
_NEVER = 1_000_000
_TRAINING = 'attackers train as honest clients do (clients)'
_DROPPED = {
  'attack_type': 'the reference code overwrites it',
  'estimate_other_updates': 'attackers do not subtract estimates',
  'objective.args.num_epochs': _TRAINING,
  'objective.args.num_batch': _TRAINING,
  'objective.args.optimizer': _TRAINING,
  'objective.args.learning_rate': _TRAINING,
  'objective.args.reduce_lr': _TRAINING,
  'objective.args.step_decay': _TRAINING,
  'objective.args.noise_level': 'the reference code loses it',
  'backdoor.remove_from_benign_dataset': 'the reference code does not either',
  'backdoor.augment_times': 'success is measured on all test victims',
  'backdoor.augment_data': 'images are not augmented',
  'backdoor.max_test_batches': 'success is measured on all test victims',
  'backdoor.tasks': 'every malicious client poisons its own examples',
  'backdoor.aux_samples': 'every malicious client poisons its own examples',
}


def attack_of(source: TrackedMapping) -> Optional[dict[str, Any]]:
  """Returns the attack section, or None where nobody is malicious."""
  num_byzantine = source.get('environment.num_malicious_clients', int, 0)
  indices = source.get('environment.malicious_client_indices', list)
  knows_all = source.get('environment.attacker_full_knowledge', bool, False)
  if num_byzantine == 0 or not source.has(_BASE):
    if num_byzantine:
      source.note(
        'environment.num_malicious_clients',
        'without client.malicious nobody attacks',
      )
    source.drop(_BASE, 'no client is malicious')
    return None
  attack = _scaled(source, _objective(source))
  attack.update(num_byzantine=num_byzantine, **_schedule(source))
  if indices is not None:
    attack['indices'] = indices
  else:
    attack['placement'] = 'sampled'
  if knows_all:
    source.note(
      'environment.attacker_full_knowledge',
      'changes nothing in the reference code; attacks that craft updates '
      '(fang_trimmed_mean, min_max) take attack.knowledge: full',
    )
  if source.get(f'{_BASE}.multi_attacker_scale_divide', object):
    source.note(
      f'{_BASE}.multi_attacker_scale_divide',
      "there all attackers send the first one's update; here each its own",
    )
  for path, why in _DROPPED.items():
    source.drop(f'{_BASE}.{path}', why)
  return attack


def _schedule(source: TrackedMapping) -> dict[str, Any]:
  schedule = {
    'start_round': max(1, source.get(f'{_BASE}.attack_start', int, 0))
  }
  stop = source.get(f'{_BASE}.attack_stop', float, float(_NEVER))
  if stop < _NEVER:
    schedule['stop_round'] = int(stop)
  return schedule


def _objective(source: TrackedMapping) -> dict[str, Any]:
  """Returns what malicious clients train for, schedule and scale left out."""
  objective = source.get(f'{_BASE}.objective.name', str, 'TargetedAttack')
  if objective == 'UntargetedAttack':
    source.note(
      f'{_BASE}.objective.name',
      'UntargetedAttack climbs the loss while it trains; gradient_ascent sends '
      'minus the honest update',
    )
    return {'name': 'gradient_ascent'}
  if objective != 'TargetedAttack':
    source.note(f'{_BASE}.objective.name', f'{objective!r} has no counterpart')
  kind = source.get(f'{_BASE}.backdoor.type', str, 'tasks')
  target = source.get(f'{_BASE}.backdoor.target_label', int, 7)
  origin = source.get(f'{_BASE}.backdoor.source_label', int)
  poisoned = source.get(f'{_BASE}.objective.args.poison_samples', int)
  if kind == 'tasks':
    if poisoned is not None:
      source.note(
        f'{_BASE}.objective.args.poison_samples',
        'label_flip flips every example of the source class',
      )
    return {
      'name': 'label_flip',
      'source_label': 1 if origin is None else origin,
      'target_label': target,
    }
  if kind.endswith('pixel_pattern'):
    attack = {'name': 'badnets', 'target_label': target}
    if origin is not None and kind != 'pixel_pattern':
      attack['source_label'] = origin
    if poisoned is not None:
      attack['num_poisoned'] = poisoned
    source.note(
      f'{_BASE}.backdoor.type',
      'its trigger is a 4x4 block of ones at the top left; give badnets a '
      '`trigger` for that',
    )
    return attack
  source.note(
    f'{_BASE}.backdoor.type',
    f'{kind!r} takes examples of its own, which edge_case reads from a file: '
    'name it in attack.file',
  )
  return {'name': 'edge_case', 'file': 'edge_cases.npz', 'target_label': target}


def _scaled(source: TrackedMapping, attack: dict[str, Any]) -> dict[str, Any]:
  """Wraps an attack in the scaling that its evasion does."""
  path = f'{_BASE}.evasion'
  if not source.has(path):
    return attack
  name = source.get(f'{path}.name', str, '')
  scale = source.get(f'{path}.args.scale_factor', float)
  radius = source.get(f'{path}.args.pgd_factor', float)
  norm = source.get(f'{path}.args.norm_type', str, 'l2')
  if name == 'NeurotoxinEvasion':
    percent = source.get(f'{path}.args.topk', float, 5.0)
    attack = {
      'name': 'neurotoxin',
      'attack': attack,
      'keep_fraction': 1 - percent / 100,
    }
  elif name == 'NormBoundPGDEvasion' and radius and norm in ('l2', 'linf'):
    return {
      'name': 'projected',
      'attack': attack,
      'radius': radius,
      'norm': norm,
      'scale': scale or 1.0,
    }
  elif name != 'NormBoundPGDEvasion':
    source.note(f'{path}.name', f'{name!r} has no counterpart but its scale')
  elif radius:
    source.note(f'{path}.args.norm_type', f'no projection onto {norm!r} balls')
  if scale and scale != 1:
    return {'name': 'model_replacement', 'attack': attack, 'scale': scale}
  return attack
