"""Names and means of what a round measured."""

import math

import numpy as np
import pytest

from flsec import aggregators, registry
from flsec.aggregators import preaggregator
from flsec.experiment import round_metrics as round_metrics_lib

KRUM = {'name': 'multi_krum', 'num_byzantine': 1}


def _output(**changes):
  return {
    'client_id': np.arange(4),
    'rank': np.array([-1, 0, -1, 1]),
    'weight': np.ones(4),
    'loss': np.array([1.0, 9.0, 3.0, 9.0]),
    'norm': np.array([2.0, 10.0, 4.0, 30.0]),
    'is_finite': np.ones(4, bool),
    'selected': np.array([0.5, 0.25, 0.0, 0.25]),
    'update_norm': np.float32(7.0),
    'num_dropped': np.int32(1),
    'pruned': np.bool_(True),
    **changes,
  }


def round_metrics(output, name='multi_krum', **options):
  if name == 'multi_krum':
    options = {'num_byzantine': 1}
  rule = aggregators.build(name, **options)
  return round_metrics_lib.round_metrics(output, rule)


def test_benign_and_malicious_apart():
  found = round_metrics(_output())
  assert found['clients/participating'] == 4
  assert found['clients/malicious'] == 2
  assert found['train/loss'] == 2.0
  assert found['update_norm/benign_mean'] == 3.0
  assert found['update_norm/malicious_mean'] == 20.0
  assert found['update_norm/aggregate'] == 7.0
  assert found['rule/num_dropped'] == 1


def test_norms_are_means_over_finite_updates():
  found = round_metrics(
    _output(
      norm=np.array([2.0, 10.0, np.nan, np.inf]),
      is_finite=np.array([True, True, False, False]),
    )
  )
  assert found['update_norm/benign_mean'] == 2.0
  assert found['update_norm/malicious_mean'] == 10.0


def test_clients_without_examples_do_not_count():
  found = round_metrics(_output(weight=np.array([0.0, 1, 5, 0])))
  assert found['clients/participating'] == 2
  assert found['clients/malicious'] == 1
  assert found['clients/empty'] == 2
  assert found['train/loss'] == 3.0
  assert found['update_norm/benign_mean'] == 4.0
  assert found['update_norm/malicious_mean'] == 10.0
  assert found['rule/selected_benign'] == 0
  assert found['rule/selected_malicious'] == 1
  assert 'clients/empty' not in round_metrics(_output())


@pytest.mark.parametrize('told, above', [(0, 2), (1, 1), (2, 0), (3, 0)])
def test_malicious_clients_above_the_number_told(told, above):
  rule = aggregators.build('multi_krum', num_byzantine=1)
  found = round_metrics_lib.round_metrics(_output(), rule, told)
  assert found['clients/malicious_above_f'] == above
  assert 'clients/malicious_above_f' not in round_metrics(_output())


def test_selection():
  found = round_metrics(_output())
  assert found['rule/selected_benign'] == 1
  assert found['rule/selected_malicious'] == 2
  assert found['rule/malicious_share'] == pytest.approx(0.5)


@pytest.mark.parametrize(
  ('name', 'options', 'measured'),
  [
    ('multi_krum', {}, {'selected', 'share'}),
    ('gas', {'num_byzantine': 1}, {'selected', 'share'}),
    ('loss_rejection', {'rule': 'mean', 'num_rejected': 1}, 'as multi_krum'),
    ('amplified', {'rule': KRUM}, 'as multi_krum'),
    # Shares, but nobody is left out: selected, precision and recall would be
    # constants.
    ('mean', {'weighted': False}, {'share'}),
    ('mean', {'weighted': True}, {'share'}),
    ('centered_clipping', {'radius': 1.0}, {'share'}),
    ('geometric_median', {}, {'share'}),
    ('norm_clipped_mean', {'radius': 1.0}, {'share'}),
    # Rows are chosen, and then cut entry by entry: they have no shares.
    ('bulyan', {'num_byzantine': 1}, {'selected'}),
    ('amplified', {'rule': {**KRUM, 'name': 'bulyan'}}, {'selected'}),
    ('union_rejection', {'rule': 'median', 'num_rejected': 1}, {'selected'}),
    ('median', {}, set()),
    ('trimmed_mean', {'num_byzantine': 1}, set()),
    ('trimmed_mean', {'trim_fraction': 0.25}, set()),
    ('mean_around_median', {'num_byzantine': 1}, set()),
    ('sign_majority', {}, set()),
    ('mean_statistics', {'rule': 'median'}, set()),
  ],
)
def test_a_rule_is_measured_by_what_it_tells(name, options, measured):
  if measured == 'as multi_krum':
    measured = {'selected', 'share'}
  names = {
    'selected': {
      'selected_benign',
      'selected_malicious',
      'precision',
      'recall',
    },
    'share': {'malicious_share'},
  }
  wanted = set().union(*(names[one] for one in measured))
  found = round_metrics(_output(), name, **options)
  of_rule = {n.split('/')[1] for n in found if n.startswith('rule/')}
  assert of_rule == wanted | {'num_dropped'}
  unattacked = round_metrics(_output(rank=np.full(4, -1)), name, **options)
  assert ('rule/selected_benign' in unattacked) == ('selected' in measured)
  assert 'rule/malicious_share' not in unattacked


def test_behind_a_preaggregator_a_rule_tells_as_much():
  bucketing = registry.build('preaggregator', 'bucketing')
  for name, wanted in (('median', False), ('krum', True)):
    options = {'num_byzantine': 0} if name == 'krum' else {}
    inner = aggregators.build(name, **options)
    rule = preaggregator.compose([bucketing], inner)
    found = round_metrics_lib.round_metrics(_output(), rule)
    assert ('rule/selected_malicious' in found) == wanted
    assert ('rule/malicious_share' in found) == wanted


def test_nothing_selected_has_no_share():
  found = round_metrics(_output(selected=np.zeros(4)))
  assert math.isnan(found['rule/malicious_share'])
  assert found['rule/selected_benign'] == 0


def test_without_malicious_clients_they_have_no_columns():
  found = round_metrics(_output(rank=np.full(4, -1)))
  assert not any('malicious_' in name for name in found)
  assert found['clients/malicious'] == 0


def test_without_benign_clients_their_means_are_no_numbers():
  found = round_metrics(_output(rank=np.arange(4)))
  assert math.isnan(found['train/loss'])
  assert found['update_norm/malicious_mean'] == 11.5


def test_scalars_of_the_rule_and_stages_are_named():
  output = _output(
    **{
      'rule/radius': np.float32(0.5),
      'rule/scores': np.ones(4),
      'seconds/rule': np.float32(0.25),
    }
  )
  found = round_metrics(output)
  assert found['rule/radius'] == 0.5
  assert 'rule/scores' not in found
  assert found['time/rule_seconds'] == 0.25


def test_pruned_units_are_counted():
  output = _output(
    **{
      'pruning/hidden/units': np.array([3, 8, -1]),
      'pruning/hidden/scores': np.array([0.1, 0.2, 0.0]),
    }
  )
  found = round_metrics(output)
  assert found['pruning/hidden/units'] == 2
  assert 'pruning/hidden/scores' not in found


def test_every_value_is_one_number():
  assert all(np.ndim(value) == 0 for value in round_metrics(_output()).values())
