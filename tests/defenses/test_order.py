"""Tests of the order of phases."""

import pytest

from flsec import defenses
from flsec.defenses.order import OrderError, check_order


def _check(*names, **facts):
  check_order([defenses.build(name) for name in names], **facts)


@pytest.mark.parametrize(
  'names',
  [
    ('train',),
    ('train', 'prune', 'fine_tune', 'adjust'),
    ('train', 'adjust', 'prune'),
    ('train', 'prune', 'train', 'prune', 'fine_tune'),
  ],
)
def test_orders_of_the_paper_and_its_ablations(names):
  _check(*names, has_validation=True)


@pytest.mark.parametrize(
  ('names', 'index', 'message'),
  [
    ((), 0, 'at least one phase'),
    (('prune',), 0, 'prune changes a trained model'),
    (('adjust', 'train'), 0, 'adjust changes a trained model'),
    (('train', 'fine_tune'), 1, 'no phase before it removes anything'),
    (('train', 'adjust', 'fine_tune'), 2, 'no phase before it removes'),
    (('fine_tune',), 0, 'no phase before it removes anything'),
  ],
)
def test_impossible_orders_are_refused(names, index, message):
  with pytest.raises(OrderError, match=message) as caught:
    _check(*names, has_validation=True)
  assert caught.value.index == index


def test_a_run_that_starts_from_weights_needs_no_training():
  _check('prune', 'fine_tune', is_trained=True, has_validation=True)
  _check('fine_tune', is_trained=True, has_mask=True, has_validation=True)
  with pytest.raises(OrderError, match='removes anything'):
    _check('fine_tune', is_trained=True, has_validation=True)


def test_whoever_tests_has_to_be_there():
  with pytest.raises(OrderError, match=r'dataset\.validation') as caught:
    _check('train', 'prune')
  assert caught.value.index == 1
  phases = [defenses.build('train'), defenses.build('prune', feedback=True)]
  check_order(phases)
  check_order(
    [defenses.build('train'), defenses.build('prune', num_channels=2)]
  )
