import numpy as np
import pytest
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators import rule
from flsec.aggregators.wrappers import group_rules, lowest_rows
from flsec.numerics import backend, coordinate_groups, smallest_sums
from flsec.numerics.random_order import random_order


def reference(x, f, p, order, base='krum', replication='none'):
  """GAS in float64, group by group, as the authors' code is laid out."""
  x = x.astype(np.float64)
  n, d = x.shape
  width = -(-d // min(p, d))
  scores = np.zeros(n)
  for start in range(0, d, width):
    group = x[:, order[start : start + width]]
    scores += np.linalg.norm(
      group - base_rule(group, f, base, replication), axis=1
    )
  kept = np.argsort(scores, kind='stable')[: n - f]
  return x[kept].mean(axis=0), scores


def base_rule(group, f, base, replication):
  n = len(group)
  if replication == 'flbyz_2024':
    f = n - f - 2
  squares = ((group[:, None] - group[None]) ** 2).sum(axis=2)
  scores = np.sort(squares, axis=1)[:, : n - f - 1].sum(axis=1)
  order = np.argsort(scores, kind='stable')
  if base == 'krum':
    return group[order[: n - f]].mean(axis=0)
  theta, beta = n - 2 * f, n - 4 * f
  chosen = group[order[:theta]]
  if replication == 'bug_compat':
    lower = np.sort(chosen, axis=0)[(theta - 1) // 2]
    return np.sort(np.abs(chosen - lower), axis=0)[:beta].mean(axis=0)
  away = np.abs(chosen - np.median(chosen, axis=0))
  nearest = np.argsort(away, axis=0, kind='stable')[:beta]
  return np.take_along_axis(chosen, nearest, axis=0).mean(axis=0)


VARIANTS = [
  ('krum', 'none'),
  ('krum', 'flbyz_2024'),
  ('bulyan', 'none'),
  ('bulyan', 'bug_compat'),
]


@pytest.mark.parametrize(('base', 'replication'), VARIANTS)
@pytest.mark.parametrize('scale', [1.0, 1e-8])
def test_it_follows_the_reference(base, replication, scale):
  rng = np.random.default_rng(1)
  x = (rng.standard_normal((13, 50)) * scale).astype(np.float32)
  order = random_order(50, tf.constant([0, 0])).numpy()
  built = aggregators.build(
    'gas', num_byzantine=2, num_groups=7, base=base, replication=replication
  )
  wanted, _ = reference(x, 2, 7, order, base, replication)
  np.testing.assert_allclose(built(x), wanted, rtol=1e-4, atol=1e-6 * scale)


@pytest.mark.parametrize(('base', 'replication'), VARIANTS)
@pytest.mark.parametrize('least_rows', [1, 512])
# Two parts of one block of groups each, and eight of three blocks.
@pytest.mark.parametrize(('num_groups', 'entries'), [(9, 600), (24, 121)])
def test_scores_follow_the_reference_over_many_blocks(
  base, replication, least_rows, num_groups, entries, monkeypatch
):
  monkeypatch.setattr(lowest_rows, 'LEAST_ROWS', least_rows)
  monkeypatch.setattr(coordinate_groups, '_BLOCK_ENTRIES', entries)
  rng = np.random.default_rng(2)
  x = (100 + rng.standard_normal((11, 47))).astype(np.float32)
  f = 2
  assumed = 11 - f - 2 if replication == 'flbyz_2024' else f

  def distances(block):
    if base == 'krum':
      return group_rules.distances_to_krum(block, assumed)
    return group_rules.distances_to_bulyan(
      block, f, averages_deviations=replication == 'bug_compat'
    )

  seed = tf.constant([4, 2])
  found = coordinate_groups.sum_over_groups(
    distances, tf.constant(x), num_groups, seed
  )
  order = random_order(47, seed).numpy()
  _, wanted = reference(x, f, num_groups, order, base, replication)
  np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_two_groups_of_one_coordinate_each():
  x = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [0.5, 10]], np.float32)
  built = aggregators.build('gas', num_byzantine=1, num_groups=2)
  np.testing.assert_allclose(built(x), [0.5, 0.5])


def test_scores_of_two_groups_worked_by_hand():
  x = tf.constant([[0, 0], [1, 0], [0, 1], [1, 1], [0.5, 10]], tf.float32)
  found = coordinate_groups.sum_over_groups(
    lambda block: group_rules.distances_to_krum(block, 1),
    x,
    2,
    tf.constant([0, 0]),
  )
  np.testing.assert_allclose(found, [1, 1, 1, 1, 9.5])


def test_without_malicious_clients_it_is_the_mean():
  x = np.random.default_rng(3).standard_normal((6, 20)).astype(np.float32)
  built = aggregators.build('gas', num_byzantine=0, num_groups=4)
  np.testing.assert_allclose(built(x), x.mean(axis=0), atol=1e-6)


def test_more_groups_than_coordinates_are_one_a_coordinate():
  x = np.random.default_rng(4).standard_normal((9, 6)).astype(np.float32)
  few = aggregators.build('gas', num_byzantine=2, num_groups=6)
  many = aggregators.build('gas', num_byzantine=2, num_groups=1000)
  np.testing.assert_array_equal(many(x), few(x))


@pytest.mark.parametrize('base', ['krum', 'bulyan'])
@pytest.mark.parametrize('size', [1e6, 1e30])
def test_far_rows_do_not_move_it(base, size):
  x = np.random.default_rng(5).standard_normal((15, 40)).astype(np.float32)
  x[[0, 7, 9]] = size * np.sign(x[[0, 7, 9]])
  built = aggregators.build('gas', num_byzantine=3, num_groups=5, base=base)
  benign = np.delete(x, [0, 7, 9], axis=0)
  np.testing.assert_allclose(built(x), benign.mean(axis=0), atol=1e-5)


def test_the_order_of_coordinates_changes_with_the_seed():
  x = np.random.default_rng(6).standard_normal((9, 20)).astype(np.float32)
  built = aggregators.build('gas', num_byzantine=3, num_groups=10)
  results = {
    tuple(
      np.round(
        built(x, context=rule.ServerContext(seed=tf.constant([0, s]))), 5
      )
    )
    for s in range(12)
  }
  assert len(results) > 1


@pytest.mark.parametrize('has_accelerator', [False, True])
def test_the_sum_of_smallest_takes_ties_and_either_way(
  monkeypatch, has_accelerator
):
  monkeypatch.setattr(backend, 'has_accelerator', lambda: has_accelerator)
  values = tf.constant([[3.0, 1, 1, 1, 7], [2, 2, 2, 2, 2]], tf.float64)
  for count, wanted in ((1, [1, 2]), (2, [2, 4]), (3, [3, 6]), (4, [6, 8])):
    found = smallest_sums.sum_of_smallest(values, count, 5)
    np.testing.assert_allclose(found, wanted)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'num_groups': 0}, 'num_groups must be 1 or more; got 0'),
    ({'num_byzantine': -1}, 'num_byzantine must be 0 or more; got -1'),
    ({'base': 'mean'}, "base must be krum or bulyan; got 'mean'"),
    ({'replication': 'x'}, "replication must be one of none.*got 'x'"),
    (
      {'replication': 'bug_compat'},
      "variant of base='bulyan'; got base='krum'",
    ),
  ],
)
def test_options_out_of_range_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    aggregators.build('gas', **{'num_byzantine': 1, **options})


@pytest.mark.parametrize(('base', 'least'), [('krum', 7), ('bulyan', 11)])
def test_too_few_clients_are_refused(base, least):
  built = aggregators.build('gas', num_byzantine=2, base=base)
  assert built.minimum_clients == least
  with pytest.raises(ValueError, match=f'at least {least} clients.*got n=6'):
    built(np.zeros((6, 3), np.float32))


@pytest.mark.parametrize(('base', 'replication'), VARIANTS)
def test_it_compiles_under_xla(base, replication):
  x = np.random.default_rng(7).standard_normal((11, 23)).astype(np.float32)
  built = aggregators.build(
    'gas',
    num_byzantine=2,
    num_groups=4,
    base=base,
    replication=replication,
    screened=False,
  )
  compiled = tf.function(lambda x: built(x), jit_compile=True, autograph=False)
  np.testing.assert_allclose(compiled(x), built(x), atol=1e-6)
