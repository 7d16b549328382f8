"""What holds for every registered rule, also for one added tomorrow."""

import re

import numpy as np
import pytest
import rule_cases
import tensorflow as tf
import xla_programs

from flsec import aggregators, registry
from flsec.aggregators import rule as rules

every_rule = pytest.mark.parametrize('name', rule_cases.NAMES)
MOVES_WITH_ROWS = (
  'mean',
  'median',
  'trimmed_mean',
  'krum',
  'multi_krum',
  'bulyan',
  'geometric_median',
  'mean_around_median',
  'minimum_diameter',
  'euclidean_density',
)
GROWS_WITH_ROWS = (
  *MOVES_WITH_ROWS,
  'cosine_density',
  'merged_density',
  'norm_clipped_mean',
)
STAYS_AMONG_BENIGN = (
  *MOVES_WITH_ROWS[1:],
  'cosine_density',
  'merged_density',
)
# They work coordinate by coordinate: no row has a share of the result.
WITHOUT_SHARES = {
  'bulyan',
  'mean_around_median',
  'median',
  'sign_majority',
  'trimmed_mean',
}
# The result of identical rows is their sign, or is clipped to the radius.
CHANGES_A_SINGLE_ROW = {'sign_majority', 'centered_clipping'}


def _first(rule, rows):
  given = rules.ServerContext(seed=tf.constant([0, 0]))
  state = rule.initialize(int(rows.shape[1]))
  return rule.next(state, rows, tf.ones([rows.shape[0]]), given)[1]


def test_the_rules_of_this_room_are_among_those_tested():
  assert set(GROWS_WITH_ROWS) | CHANGES_A_SINGLE_ROW <= set(rule_cases.NAMES)


@every_rule
def test_the_order_of_clients_does_not_matter(name):
  rule, x = rule_cases.build(name), rule_cases.stack(1)
  order = np.random.default_rng(0).permutation(len(x))
  assert rule_cases.is_close(rule(x[order]), rule(x))


@every_rule
def test_rows_that_are_not_finite_change_nothing(name):
  x = rule_cases.stack(2)
  bad = np.full((2, x.shape[1]), np.nan, np.float32)
  bad[1] = x[0]
  bad[1, 3] = -np.inf
  with_bad = np.concatenate([x[:4], bad, x[4:]])
  rule = rule_cases.build(name)
  wanted, selected = rule_cases.apply(rule, x)
  found, measured = rule_cases.apply(rule, with_bad)
  assert rule_cases.is_close(found, wanted)
  assert measured['num_dropped'] == 2
  assert measured['too_few_clients'] == 0
  np.testing.assert_array_equal(measured['selected'][4:6], 0)
  np.testing.assert_allclose(
    np.delete(measured['selected'], [4, 5]), selected['selected'], atol=1e-6
  )


@every_rule
def test_identical_rows_give_that_row(name):
  x = np.repeat(rule_cases.stack(3)[:1], rule_cases.NUM_CLIENTS, axis=0)
  result = rule_cases.build(name)(x)
  assert np.all(np.isfinite(result))
  if name not in CHANGES_A_SINGLE_ROW:
    assert rule_cases.is_close(result, x[0], 1e-6)


@every_rule
def test_zero_rows_give_zero(name):
  x = np.zeros((rule_cases.NUM_CLIENTS, 5), np.float32)
  np.testing.assert_array_equal(rule_cases.build(name)(x), np.zeros(5))


@every_rule
def test_it_runs_with_the_fewest_clients_and_refuses_one_less(name):
  rule = rule_cases.build(name)
  least = rule.minimum_clients
  result = rule(rule_cases.stack(4, clients=least))
  assert np.all(np.isfinite(result))
  if least > 1:
    assert rule.requirement
    why = re.escape(f'at least {least} clients ({rule.requirement}); got n=')
    with pytest.raises(ValueError, match=why):
      rule(rule_cases.stack(4, clients=least - 1))


@every_rule
def test_a_single_client(name):
  rule, x = rule_cases.build(name), rule_cases.stack(5, clients=1)
  if rule.minimum_clients > 1:
    with pytest.raises(ValueError, match='got n=1'):
      rule(x)
  elif name not in CHANGES_A_SINGLE_ROW:
    assert rule_cases.is_close(rule(x), x[0], 1e-6)


@pytest.mark.parametrize('name', GROWS_WITH_ROWS)
def test_the_result_grows_with_the_rows(name):
  rule, x = rule_cases.build(name), rule_cases.stack(6)
  plain = rule(x).numpy()
  for factor in (1e-3, 1e-5, 1e-8, 1e4):
    assert rule_cases.is_close(rule(x * np.float32(factor)), plain * factor)


@pytest.mark.parametrize('name', MOVES_WITH_ROWS)
def test_the_result_moves_with_the_rows(name):
  rule, x = rule_cases.build(name), rule_cases.stack(7)
  # In 1/1024 steps, a shift by 8 is exact in float32.
  x = np.round(x * 1024).astype(np.float32) / 1024
  assert rule_cases.is_close(rule(x + 8), rule(x).numpy() + 8, 1e-6)


@pytest.mark.parametrize('name', STAYS_AMONG_BENIGN)
def test_far_rows_leave_the_result_among_the_benign(name):
  rule = rule_cases.build(name)
  for size in (1e6, 1e30):
    x, is_benign = rule_cases.attacked(size, seed=8)
    result, benign = rule(x).numpy(), x[is_benign]
    assert np.all(result >= benign.min(axis=0) - 1e-5), size
    assert np.all(result <= benign.max(axis=0) + 1e-5), size


@every_rule
def test_far_rows_never_give_nan(name):
  for size in (1e6, 1e30, 3e38):
    x, _ = rule_cases.attacked(size, seed=9)
    assert not np.any(np.isnan(rule_cases.build(name)(x))), size


@every_rule
def test_selected_are_shares_of_the_rows(name):
  rule, x = rule_cases.build(name), rule_cases.stack(10)
  update, measured = rule_cases.apply(rule, x)
  selected = measured['selected']
  assert selected.shape == (len(x),)
  assert selected.dtype == np.float32
  assert np.all(selected >= 0)
  assert 0 < selected.sum() <= 1 + 1e-5
  if rule.selects_rows:
    assert rule_cases.is_close(selected @ x, update)


@every_rule
def test_it_says_whether_it_leaves_rows_out_and_whether_rows_have_shares(name):
  rule = rule_cases.build(name)
  rows, _ = rule_cases.attacked(1e6, seed=8)
  selected = rule_cases.apply(rule, rows)[1]['selected']
  assert rule.leaves_out_rows == np.any(selected == 0)
  assert rule.has_shares == (name not in WITHOUT_SHARES)
  if not rule.has_shares:
    assert len(set(selected[selected > 0])) == 1  # All alike.


@every_rule
def test_it_runs_with_a_number_of_clients_known_late(name):
  x = rule_cases.stack(11)
  rule = rule_cases.build(name)
  late = tf.function(
    lambda rows: rule(rows),
    autograph=False,
    input_signature=[tf.TensorSpec([None, x.shape[1]])],
  )
  assert rule_cases.is_close(late(x), rule(x))
  assert late(x).shape == [x.shape[1]]


@every_rule
def test_it_compiles_under_xla(name):
  x = rule_cases.stack(12)
  rule = rule_cases.build(name, screened=False)
  compiled = tf.function(
    lambda rows: rule(rows), autograph=False, jit_compile=True
  )
  assert rule_cases.is_close(compiled(x), rule(x))
  assert xla_programs.is_compiled_once(lambda rows: _first(rule, rows), x)


@every_rule
def test_its_docstring_is_a_contract(name):
  entry = registry.entry('aggregator', name)
  text = entry.load().__doc__
  assert entry.paper and entry.summary.endswith('.')
  assert 'References:' in text
  for option in entry.option_names:
    assert f'    {option}: ' in text


@pytest.mark.parametrize(
  ('name', 'options', 'least', 'requirement'),
  [
    ('amplified', {}, 9, 'n >= 2 f + 3'),
    ('mean_statistics', {}, 9, 'n >= 2 f + 3'),
    # Of 11 clients 2 are rejected.
    ('loss_rejection', {'num_rejected': 2}, 11, 'after 2 rejected'),
    ('union_rejection', {'num_rejected': 2}, 11, 'after 2 rejected'),
  ],
)
def test_rules_around_a_rule_say_what_it_requires(
  name, options, least, requirement
):
  inner = {'name': 'krum', 'num_byzantine': 3}
  rule = aggregators.build(name, rule=inner, **options)
  assert rule.minimum_clients == least
  assert requirement in rule.requirement


@pytest.mark.parametrize(
  ('name', 'options', 'inner', 'has_shares', 'leaves_out_rows'),
  [
    ('amplified', {}, 'krum', True, True),
    ('amplified', {}, 'bulyan', False, True),
    ('amplified', {}, 'geometric_median', True, False),
    ('mean_statistics', {}, 'krum', True, True),
    ('mean_statistics', {}, 'median', False, False),
    ('loss_rejection', {'num_rejected': 2}, 'mean', True, True),
    ('loss_rejection', {'num_rejected': 2}, 'median', False, True),
  ],
)
def test_rules_around_a_rule_say_whether_rows_have_shares(
  name, options, inner, has_shares, leaves_out_rows
):
  given = {'name': inner, **rule_cases.options(inner)}
  rule = aggregators.build(name, rule=given, **options)
  assert rule.has_shares == has_shares
  assert rule.leaves_out_rows == leaves_out_rows


def test_updates_of_another_shape_are_refused():
  with pytest.raises(ValueError, match=r'median takes updates of shape \[n, d'):
    aggregators.build('median')(np.zeros(3, np.float32))
  spec = tf.TensorSpec([4, None])
  with pytest.raises(ValueError, match='d known when the graph is built'):
    tf.function(
      lambda x: rules.Rule.__call__(aggregators.build('median'), x),
      autograph=False,
    ).get_concrete_function(spec)
