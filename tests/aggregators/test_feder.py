"""FedER against the paper's numbers and a NumPy reference."""

import feder_cases as cases
import feder_reference
import numpy as np
import pytest
import server_cases
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators import fltrust
from flsec.numerics import columns

# The worked example of d = 4, p = 0.5; rows are updates, added by the server.
G = [4, -3, 1, 0.5]
ROWS = [[2, -1, 3, 0], [-1, -2, 0.1, 0.2]]


def test_two_rows_worked_by_hand():
  update, measured = cases.run(ROWS, G)
  np.testing.assert_allclose(
    update, [3.901991, -0.678607, 0, 0], atol=1e-6, rtol=0
  )
  np.testing.assert_allclose(measured['trust'], [1, 0.178885], atol=1e-6)
  np.testing.assert_allclose(
    measured['selected'], [0.848259, 0.151741], atol=1e-6
  )
  # a = (2, 1.5), of which the ceil(0.05 * 2) = first is 1.5.
  assert measured['scale'] == 1.5
  assert measured['keep_fraction'] == 0.5
  assert measured['sent_entries'].tolist() == [2, 2]
  assert measured['received_entries'] == 2
  assert measured['root_norm'] == pytest.approx(np.sqrt(26.25), rel=1e-6)
  assert (measured['num_trusted'], measured['num_empty']) == (2, 0)
  assert measured['no_trust'] == 0


@pytest.mark.parametrize(
  ('factors', 'expected'),
  [
    # n1 = n2 in round 1: 5 / 2 and 5 / sqrt(5). n3 = 1.5 / (2, 1.5).
    (('n1',), [2.5 * 2, -1.0]),
    (('n2',), [2.5 * 2, -1.0]),
    (('n3',), [0.75 * 2, 0.0]),
  ],
)
def test_each_factor_worked_by_hand(factors, expected):
  update, _ = cases.run(ROWS, G, factors=factors)
  weights = np.array([1, 2 / (5 * np.sqrt(5))])
  weights /= weights.sum()
  second = np.sqrt(5) if factors != ('n3',) else 1.0
  first = weights[0] * expected[0] - weights[1] * second
  np.testing.assert_allclose(
    update, [first, -2 * second * weights[1], 0, 0], atol=1e-6
  )


def test_an_additive_mask_worked_by_hand():
  # m = (1, 1, 1, 0) and (1, 1, 0, 0); a = 5 / 3 and 3 / 2; norms sqrt(13) and
  # sqrt(5); cosines 8 / (5 sqrt(13)) and 2 / (5 sqrt(5)).
  update, measured = cases.run(ROWS, G, mask='additive')
  cosines = np.array([8 / (5 * np.sqrt(13)), 2 / (5 * np.sqrt(5))])
  np.testing.assert_allclose(measured['trust'], cosines, atol=1e-6)
  factors = [max(5 / np.sqrt(13), 0.9), max(5 / np.sqrt(5), 1.0)]
  parts = cosines / cosines.sum() * factors
  np.testing.assert_allclose(
    update,
    parts[0] * np.array([2, 0, 3, 0]) + parts[1] * np.array([-1, -2, 0, 0]),
    atol=1e-6,
  )


@pytest.mark.parametrize('mask', ['mutual', 'additive'])
@pytest.mark.parametrize('dimension', [50, 3000])
def test_it_follows_the_reference(dimension, mask):
  x, root = cases.hard_stack(dimension)
  for fraction in (0.02, 0.5, 0.9, 0.999):
    wanted, trust, _ = feder_reference.feder(
      x, root, fraction, cases.order_of(dimension), additive=mask == 'additive'
    )
    found, measured = cases.run(x, root, fraction=fraction, mask=mask)
    # The sum of n rows is in float32.
    bound = 16 * np.finfo(np.float32).eps * np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, atol=bound + 1e-12, rtol=0)
    np.testing.assert_allclose(measured['trust'], trust, atol=1e-6)


def test_blocks_of_rows_and_columns_give_the_same(monkeypatch):
  x, root = cases.hard_stack(3000)
  plain, measured = cases.run(x, root)
  monkeypatch.setattr(columns, 'BLOCK_SIZE', 12_000)
  found, in_blocks = cases.run(x, root)
  np.testing.assert_allclose(found, plain, rtol=1e-5, atol=1e-6)
  for name in ('trust', 'sent_entries', 'scale'):
    np.testing.assert_allclose(in_blocks[name], measured[name], rtol=1e-6)


@pytest.mark.parametrize(
  'factors',
  [
    ('n1',),
    ('n2',),
    ('n3',),
    ('n1', 'n2'),
    ('n1', 'n3'),
    ('n2', 'n3'),
    ('n3', 'n2', 'n1'),
  ],
)
def test_rounds_follow_the_reference(factors):
  rule = aggregators.build('feder', fraction=0.8, factors=factors)
  state, history = rule.initialize(400), []
  for number in range(4):
    x, root = cases.hard_stack(400, number)
    root = root * np.float32(0.2 + number)
    wanted, _, norm = feder_reference.feder(
      x, root, 0.8, cases.order_of(400), history=history, factors=factors
    )
    history.append(norm)
    state, found, _ = rule.next(
      state, tf.constant(x), tf.ones([len(x)]), cases.rooted(root)
    )
    np.testing.assert_allclose(found, wanted, atol=1e-5, rtol=1e-5)


def test_epsilon_chooses_the_scale():
  x, root = cases.hard_stack(300)
  for epsilon in (0.01, 0.05, 0.3, 1.0):
    wanted, _, _ = feder_reference.feder(
      x, root, 0.5, cases.order_of(300), epsilon=epsilon, factors=('n3',)
    )
    found, _ = cases.run(x, root, min_benign_fraction=epsilon, factors=('n3',))
    np.testing.assert_allclose(found, wanted, atol=1e-5, rtol=1e-5)


def test_epsilon_times_n_is_not_rounded_up_by_accident():
  # 0.07 * 100 is 7.000000000000001 in floating point.
  x = np.outer(np.arange(1, 101), np.ones(8))
  _, measured = cases.run(x, np.ones(8), min_benign_fraction=0.07)
  assert measured['scale'] == 7


def _validating(num_right, num_examples=20):
  """A model of classes by sign, right on so many of its examples."""
  y = np.zeros(num_examples, np.int32)
  x = np.full((num_examples, 1), 1, np.float32)
  x[num_right:] = -1
  return {
    'model': server_cases.LinearModel(1, 2),
    'validation': (x, y),
    'weights': [1.0, -1.0],
  }


@pytest.mark.parametrize(
  ('num_right', 'fraction'), [(0, 0.0), (1, 0.05), (10, 0.5), (20, 0.9)]
)
def test_the_pruned_share_is_the_accuracy_up_to_gamma(num_right, fraction):
  given = _validating(num_right)
  context = server_cases.context(
    given.pop('weights'),
    root=cases.ROOT,
    train=lambda *_: tf.constant([1.0, 1.0]),
    **given,
  )
  rule = aggregators.build('feder')
  _, measured = server_cases.run(rule, [[1.0, 2.0]], context)
  assert measured['keep_fraction'] == pytest.approx(1 - fraction, abs=1e-12)


def test_with_nothing_pruned_masks_are_full():
  # p = 0 cannot be fixed, but a model that gets all wrong has it.
  given = _validating(0)
  root = np.array([1.0, 2.0], np.float32)
  context = server_cases.context(
    given.pop('weights'), root=cases.ROOT, train=lambda *_: root, **given
  )
  rows = np.array([[2, 1], [0, 3], [-1, -1]], np.float32)
  rule = aggregators.build('feder', factors=('n1',))
  found, measured = server_cases.run(rule, rows, context)
  trusting = aggregators.build('fltrust')
  np.testing.assert_allclose(found, trusting(rows, context=context), atol=1e-6)
  assert measured['sent_entries'].tolist() == [2, 1, 2]


def test_it_tells_what_it_needs():
  assert aggregators.build('feder').needs == {'root', 'validation', 'seed'}
  assert aggregators.build('feder', fraction=0.9).needs == {'root', 'seed'}
  # The root update is FLTrust's.
  update = fltrust.root_update('feder', cases.rooted([1, 2]))
  np.testing.assert_array_equal(update, [1, 2])


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    (
      {'max_fraction': 1.0},
      r'max_fraction \(Gamma\) must be above 0 and below',
    ),
    ({'max_fraction': 0.0}, 'got 0.0'),
    ({'fraction': 1.0}, r'fraction \(p\) must be above 0 and below 1; got 1.0'),
    ({'fraction': 0.0}, 'got 0.0'),
    ({'fraction': float('nan')}, 'got nan'),
    ({'min_benign_fraction': 0.0}, r'\(epsilon\) must be above 0 and at most'),
    ({'min_benign_fraction': 1.1}, 'got 1.1'),
    ({'factors': ()}, r'one or more of n1, n2, n3; got \[\]'),
    ({'factors': ('n1', 'n4')}, r"got \['n1', 'n4'\]"),
    ({'mask': 'union'}, "mask must be mutual or additive; got 'union'"),
  ],
)
def test_options_out_of_range_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    aggregators.build('feder', **options)


@pytest.mark.parametrize(
  ('given', 'message'),
  [
    ({'root': None}, 'feder needs at least 1 root example on the server'),
    ({}, 'feder needs at least 1 validation example on the server; got no'),
  ],
)
def test_a_server_without_examples_is_refused(given, message):
  with pytest.raises(ValueError, match=message):
    aggregators.build('feder')(
      [[1.0, 2.0]], context=cases.rooted([1, 2], **given)
    )
