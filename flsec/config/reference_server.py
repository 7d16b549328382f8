"""Converts the server of a reference-stack configuration."""

from typing import Any, Optional

from flsec.config.tracked_mapping import TrackedMapping

_REJECTIONS = {
  'ERR': 'error_rate_rejection',
  'LFR': 'loss_rejection',
  'UNION': 'union_rejection',
}
# What a server judges clients by where the whole test set is evaluated there.
_VALIDATION_SIZE = 1000


def server_of(
  source: TrackedMapping, num_clients: int, num_selected: int
) -> dict[str, Any]:
  """Returns the server section."""
  server: dict[str, Any] = {
    'aggregator': _rejecting(source, _aggregator(source, num_selected))
  }
  stages = _clipping(source)
  if stages:
    server['preaggregators'] = stages
  rate = source.get('server.global_learning_rate', float, -1.0)
  if rate >= 0:
    # There the rate is divided by all clients, not by those that take part.
    rate = rate * num_selected / max(num_clients, 1)
    server['learning_rate'] = rate
    source.note(
      'server.global_learning_rate',
      'its step is rate / num_clients times the sum of the updates, so '
      f'server.learning_rate is {rate:g}',
    )
  if source.get('server.num_test_batches', int, -1) != -1:
    source.note(
      'server.num_test_batches', 'flsec evaluates on the whole test set'
    )
  return server


def validation_of(source: TrackedMapping) -> Optional[dict[str, Any]]:
  """Returns the examples that the server judges clients by, if it does."""
  if source.get('environment.reject', str) not in _REJECTIONS:
    return None
  batches = source.get('server.num_test_batches', int, -1)
  size = batches * source.get('client.benign_training.batch_size', int, 0)
  return {
    'size': size if size > 0 else _VALIDATION_SIZE,
    'source': 'test',
    'balanced': False,
  }


def _rejecting(source: TrackedMapping, rule: Any) -> Any:
  """Puts the rejection that FLAP's code does before the rule around it."""
  path = 'environment.reject'
  kind = source.get(path, str)
  if kind is None:
    return rule
  if kind not in _REJECTIONS:
    source.note(path, f'{kind!r} rejects nobody in the reference code either')
    return rule
  source.note(
    path,
    'there every candidate is scored by the same stale model, so that a fixed '
    'client is dropped, and candidates are plain means; here each criterion '
    'drops the client that harms the rule most, on dataset.validation',
  )
  return {'name': _REJECTIONS[kind], 'rule': rule, 'num_rejected': 1}


def _aggregator(source: TrackedMapping, num_selected: int) -> Any:
  path = 'server.aggregator'
  name = source.get(f'{path}.name', str, '')
  if name == 'FedAvg':
    return {'name': 'mean', 'weighted': False}
  if name == 'Median':
    source.note(path, 'the reference code takes the lower of two middle values')
    return {'name': 'median'}
  if name == 'TrimmedMean':
    share = source.get(f'{path}.args.beta', float, 0.1)
    return {'name': 'trimmed_mean', 'trim_fraction': share}
  if name == 'Krum':
    share = source.get(f'{path}.args.byz', float, 0.1)
    source.note(
      path,
      'its Krum is a Multi-Krum that sums un-squared distances layer by layer '
      'and shrinks the step (`replication: flap`); leave replication out for '
      'the published rule',
    )
    return {
      'name': 'multi_krum',
      'num_byzantine': int(share * num_selected),
      'replication': 'flap',
    }
  source.refuse(
    f'{path}.name',
    f'{name!r} has no counterpart; there are FedAvg, TrimmedMean, Median, Krum',
  )
  return {'name': name}


def _clipping(source: TrackedMapping) -> list[dict[str, Any]]:
  """Returns the stage that bounds updates as `client.clip` does.

  There clients clip what they send, malicious ones too, or the server does.
  """
  path = 'client.clip'
  if not source.has(path):
    return []
  kind = source.get(f'{path}.type', str, '')
  value = source.get(f'{path}.value', float, 0.0)
  source.drop(f'{path}.probability', 'whole updates are clipped', 1.0)
  options = {'l2': 'radius', 'median_l2': 'median_factor'}
  if kind not in options:
    source.refuse(
      path,
      f'{kind!r} clips each weight; there is clipping by l2 and median_l2 only',
    )
    return []
  if source.has('environment.reject') and kind == 'median_l2':
    source.note(path, 'with reject the reference code does not clip; it does')
  return [{'name': 'clipping', options[kind]: value}]
