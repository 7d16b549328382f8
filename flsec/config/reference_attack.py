"""Converts the attack of a reference-stack configuration."""

from typing import Any, Optional

from flsec.config import reference_training
from flsec.config.tracked_mapping import TrackedMapping

_BASE = 'client.malicious'
# The reference stack's default for "never stops".
_NEVER = 1_000_000
_DROPPED = {
  'attack_type': 'the reference code overwrites it',
  'backdoor.augment_times': 'success is measured on all test victims',
  'backdoor.augment_data': 'clients.augmentation holds for all clients',
  'backdoor.max_test_batches': 'success is measured on all test victims',
  'backdoor.tasks': 'every malicious client poisons its own examples',
  'backdoor.aux_samples': 'every malicious client poisons its own examples',
  'backdoor.description': 'it is a comment',
  'evasion.args.clipping_bound': 'the reference code does not use it here',
}
_REFUSED = {
  'estimate_other_updates': 'attackers do not subtract estimates of others',
  'stealth': 'there is no alternating minimisation',
  'contamination': 'attackers do not change a subset of neurons',
}
_OTHER_OBJECTIVES = {
  'segment_poisoning': 'trains on poisoned examples alone until they are '
  'learned; attackers here mix them into batches, for a fixed time',
}
# What the reference code labels its own sets of edge cases as, whatever the
# file's target_label.
_EDGE_LABELS = {
  'EuropeanSevenEdgeCase': 1,
  'NorthWesternEdgeCase': 9,
  'CifarRandomNoise': 2,
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
  plain = _objective(source)
  attack = _scaled(source, plain)
  attack.update(num_byzantine=num_byzantine, **_schedule(source))
  training = reference_training.training_of(
    source,
    is_targeted=plain['name'] != 'gradient_ascent',
    has_source=plain['name'] == 'label_flip',
  )
  if training:
    attack['training'] = training
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
  if source.is_set(f'{_BASE}.multi_attacker_scale_divide'):
    _share(source, attack)
  for path, why in _REFUSED.items():
    if source.is_set(f'{_BASE}.{path}'):
      source.refuse(f'{_BASE}.{path}', why)
  for path, why in _DROPPED.items():
    source.drop(f'{_BASE}.{path}', why)
  return attack


def _share(source: TrackedMapping, attack: dict[str, Any]) -> None:
  """Lets all attackers send the first one's update, where several are sure."""
  selected = source.get(
    'environment.num_selected_malicious_clients',
    int,
    attack['num_byzantine'],
  )
  if source.has('environment.attack_frequency') and selected > 1:
    attack['compose'] = ['shared_update']
    return
  source.note(
    f'{_BASE}.multi_attacker_scale_divide',
    "there all attackers send the first one's update; here each its own, since "
    'a round may have a single one (else add `compose: [shared_update]`)',
  )


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
  path = f'{_BASE}.objective.name'
  objective = source.get(path, str, '')
  if objective == 'UntargetedAttack':
    source.drop(f'{_BASE}.backdoor', 'an untargeted attack has none')
    source.note(
      path,
      'UntargetedAttack climbs the loss while it trains; gradient_ascent sends '
      'minus the honest update',
    )
    return {'name': 'gradient_ascent'}
  if objective != 'TargetedAttack':
    why = _OTHER_OBJECTIVES.get(objective, 'has no counterpart')
    source.refuse(path, f'{objective!r} {why}')
    return {'name': objective}
  return _backdoor(source)


def _backdoor(source: TrackedMapping) -> dict[str, Any]:
  path = f'{_BASE}.backdoor'
  kind = source.get(f'{path}.type', str, '')
  target = source.get(f'{path}.target_label', int, 7)
  origin = source.get(f'{path}.source_label', int, 1)
  poisoned = source.get(f'{_BASE}.objective.args.poison_samples', int)
  count = {} if poisoned is None else {'num_poisoned': poisoned}
  _note_removal(source, kind)
  if kind == 'tasks':
    return {
      'name': 'label_flip',
      'source_label': origin,
      'target_label': target,
    }
  if kind == 'pixel_pattern':
    source.note(
      f'{path}.type',
      'there it makes all clients mirror and move their images; here '
      'clients.augmentation does',
    )
    return {
      'name': 'badnets',
      'trigger': 'fl_analysis',
      'target_label': target,
      **count,
    }
  if kind == 'tasks_pixel_pattern':
    corner = source.get(f'{path}.trigger_position', int, 0)
    return {
      'name': 'badnets',
      'trigger': {'patch': [4, 4], 'position': [corner, corner]},
      'source_label': origin,
      'target_label': target,
      **count,
    }
  if kind in ('edge', 'semantic'):
    return {'name': 'edge_case', **_own_examples(source, kind, target), **count}
  source.refuse(f'{path}.type', f'{kind!r} has no counterpart')
  return {'name': kind}


def _note_removal(source: TrackedMapping, kind: str) -> None:
  path = f'{_BASE}.backdoor.remove_from_benign_dataset'
  distribution = source.get('dataset.data_distribution', str, '')
  if kind == 'semantic' and distribution != 'IID':
    source.drop(path, 'there no client holds the images of the backdoor')
  else:
    source.drop(path, 'the reference code does not either')


def _own_examples(
  source: TrackedMapping, kind: str, target: int
) -> dict[str, Any]:
  """Returns the file of a backdoor's examples, and their label."""
  path = f'{_BASE}.backdoor'
  if kind == 'edge':
    name = source.get(f'{path}.edge_case_type', str, '')
    if name not in _EDGE_LABELS:
      source.refuse(f'{path}.edge_case_type', f'{name!r} has no counterpart')
    target = _EDGE_LABELS.get(name, target)
    source.drop(
      f'{path}.edge_case_p', 'only attackers hold edge cases here', 1.0
    )
    examples = f'the examples of {name}'
  else:
    train = source.get(f'{path}.train', list, [])
    test = source.get(f'{path}.test', list, [])
    examples = (
      f'{len(train)} training images of the data set by their number, listed '
      f'in {source.name(f"{path}.train")}, and {len(test)} in '
      f'{source.name(f"{path}.test")}'
    )
  source.note(
    f'{path}.type',
    f'{kind!r} has examples of its own, {examples}: write them to attack.file, '
    'as x_train and x_test; the run is refused until it is there',
  )
  return {'file': f'{kind}_examples.npz', 'target_label': target}


def _scaled(source: TrackedMapping, attack: dict[str, Any]) -> dict[str, Any]:
  """Wraps an attack in the scaling that its evasion does."""
  path = f'{_BASE}.evasion'
  if not source.has(path):
    return attack
  name = source.get(f'{path}.name', str, '')
  scale = source.get(f'{path}.args.scale_factor', float, 1.0)
  radius = source.get(f'{path}.args.pgd_factor', float)
  norm = source.get(f'{path}.args.norm_type', str, 'l2')
  if name == 'NeurotoxinEvasion':
    percent = source.get(f'{path}.args.topk', float, 5.0)
    attack = {
      'name': 'neurotoxin',
      'attack': attack,
      'keep_fraction': 1 - percent / 100,
    }
  elif name != 'NormBoundPGDEvasion':
    source.refuse(f'{path}.name', f'{name!r} has no counterpart')
  elif radius:
    return _projected(source, attack, radius, norm, scale)
  if scale != 1:
    return {'name': 'model_replacement', 'attack': attack, 'scale': scale}
  return attack


def _projected(
  source: TrackedMapping,
  attack: dict[str, Any],
  radius: float,
  norm: str,
  scale: float,
) -> dict[str, Any]:
  path = f'{_BASE}.evasion.args.norm_type'
  norm = 'linf' if norm == 'l_inf' else norm
  if norm not in ('l2', 'linf'):
    source.refuse(path, f'attackers do not project onto {norm!r} balls')
  return {
    'name': 'projected',
    'attack': attack,
    'radius': radius,
    'norm': norm,
    'scale': scale,
  }
