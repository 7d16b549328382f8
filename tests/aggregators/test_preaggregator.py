import numpy as np
import pytest
import server_cases
import tensorflow as tf

from flsec import aggregators, registry
from flsec.aggregators import preaggregator, screening
from flsec.aggregators.preaggregator import compose

STAGES = [
  ('nearest_neighbor_mixing', {'num_byzantine': 2}),
  ('bucketing', {'bucket_size': 2}),
  ('clipping', {'radius': 3.0}),
  ('arc', {'num_byzantine': 2}),
]
every_stage = pytest.mark.parametrize(('name', 'options'), STAGES)


def build(name, **options):
  return registry.build('preaggregator', name, **options)


def rows(clients=9, seed=0):
  rng = np.random.default_rng(seed)
  return rng.standard_normal((clients, 12)).astype(np.float32)


def transform(stage, x, weights=None):
  weights = np.ones(len(x), np.float32) if weights is None else weights
  found = stage.transform(
    tf.constant(x), tf.constant(weights), server_cases.context()
  )
  return [one.numpy() for one in found]


def test_the_registry_knows_the_four():
  assert set(registry.entries('preaggregator')) == {name for name, _ in STAGES}


@every_stage
def test_new_rows_are_the_mixing_of_the_old(name, options):
  x = rows()
  mixed, weights, mixing = transform(build(name, **options), x)
  assert mixing.shape == (len(mixed), len(x)) and weights.shape == (len(mixed),)
  np.testing.assert_allclose(mixing @ x, mixed, atol=1e-5)
  assert mixed.dtype == mixing.dtype == np.float32


@every_stage
@pytest.mark.parametrize('inside', ['mean', 'multi_krum', 'median'])
def test_it_composes_with_any_rule(name, options, inside):
  x, stage = rows(), build(name, **options)
  more = {'num_byzantine': 1} if inside == 'multi_krum' else {}
  rule = aggregators.build(inside, **more)
  # Each stage draws from a seed of its own.
  seed = tf.random.experimental.stateless_fold_in(tf.constant([3, 5]), 0)
  given = server_cases.context(seed=seed)
  mixed, weights, mixing = stage.transform(tf.constant(x), tf.ones(9), given)
  wanted, inner = server_cases.run(rule, mixed, given, weights.numpy())
  update, measured = server_cases.run(
    compose([stage], rule), x, server_cases.context()
  )
  np.testing.assert_allclose(update, wanted, atol=1e-6)
  np.testing.assert_allclose(
    measured['selected'], inner['selected'] @ mixing.numpy(), atol=1e-6
  )


def test_what_is_selected_makes_up_the_result():
  stages = [build(name, **options) for name, options in STAGES]
  rule = compose(stages, aggregators.build('krum', num_byzantine=1))
  assert rule.selects_rows
  x = rows(12)
  update, measured = server_cases.run(rule, x, server_cases.context())
  np.testing.assert_allclose(measured['selected'] @ x, update, atol=1e-5)


def test_the_first_of_the_list_comes_first():
  clip = build('clipping', radius=1.0)
  mix = build('nearest_neighbor_mixing', num_byzantine=1)
  x = np.array([[0.5], [0.9], [30.0]], np.float32)
  mean = aggregators.build('mean')
  # Clipped to .5, .9, 1; then pairs: .7, .95 (.9 with 1), .95.
  first_clipped = compose([clip, mix], mean)(x)
  np.testing.assert_allclose(
    first_clipped, [(0.7 + 0.95 + 0.95) / 3], rtol=1e-6
  )
  # Mixed to .7, .7, 15.45; then clipped.
  first_mixed = compose([mix, clip], mean)(x)
  np.testing.assert_allclose(first_mixed, [(0.7 + 0.7 + 1.0) / 3], rtol=1e-6)


def test_two_bucketings_draw_two_orders():
  seeds = []
  stage = preaggregator.PreAggregator(
    'spy',
    lambda x, w, given: (seeds.append(given.seed.numpy()), x, w, tf.eye(2))[1:],
  )
  composed = compose([stage, stage], aggregators.build('mean', screened=False))
  composed.next((), tf.ones([2, 3]), tf.ones(2), server_cases.context())
  assert np.any(seeds[0] != seeds[1])


@pytest.mark.parametrize(
  ('stages', 'least'),
  [
    ([], 7),
    ([('bucketing', {'bucket_size': 3})], 19),
    ([('bucketing', {'bucket_size': 2})] * 2, 25),
    ([('nearest_neighbor_mixing', {'num_byzantine': 5})], 11),
    (
      [
        ('nearest_neighbor_mixing', {'num_byzantine': 3}),
        ('bucketing', {'bucket_size': 2}),
      ],
      13,
    ),
  ],
)
def test_the_fewest_clients_account_for_the_stages(stages, least):
  rule = aggregators.build('krum', num_byzantine=2)
  composed = compose([build(name, **more) for name, more in stages], rule)
  assert composed.minimum_clients == least
  assert np.all(np.isfinite(composed(rows(least))))
  with pytest.raises(
    ValueError, match=rf'at least {least} clients.*n={least - 1}'
  ):
    composed(rows(least - 1))


def test_what_the_stages_and_the_rule_read_is_told():
  rule = compose([build('bucketing')], aggregators.build('fltrust'))
  assert rule.needs == {'seed', 'root'}


def test_no_stage_is_the_rule_itself():
  rule = aggregators.build('median')
  assert compose([], rule) is rule


def test_the_state_of_the_rule_is_kept():
  rule = compose(
    [build('clipping', radius=1.0)], aggregators.build('centered_clipping')
  )
  state = rule.initialize(2)
  x = tf.constant([[3.0, 4], [0, 0]])
  state, update, _ = rule.next(state, x, tf.ones(2), server_cases.context())
  np.testing.assert_allclose(update, [0.3, 0.4], rtol=1e-6)
  np.testing.assert_allclose(state, update)


def test_a_weighted_mean_keeps_its_weights():
  weights = np.array([1, 2, 3, 4], np.float32)
  rule = compose([build('clipping', radius=100.0)], aggregators.build('mean'))
  x = rows(4)
  update, _ = server_cases.run(rule, x, server_cases.context(), weights)
  np.testing.assert_allclose(update, weights @ x / 10, rtol=1e-5)
  assert not rule.is_weighted_mean


@every_stage
def test_a_screened_composition_drops_bad_rows_first(name, options):
  stage = build(name, **options)
  rule = screening.screened(compose([stage], aggregators.build('median')))
  x = rows()
  with_bad = np.insert(x, 4, np.nan, axis=0)
  wanted, _ = server_cases.run(rule, x, server_cases.context())
  found, measured = server_cases.run(rule, with_bad, server_cases.context())
  np.testing.assert_allclose(found, wanted, atol=1e-6)
  assert measured['num_dropped'] == 1 and measured['selected'][4] == 0


@every_stage
def test_it_compiles_under_xla(name, options):
  inside = aggregators.build('median', screened=False)
  rule = compose([build(name, **options)], inside)
  x = rows()
  found, _ = server_cases.run(rule, x, server_cases.context(), compiled=True)
  wanted, _ = server_cases.run(rule, x, server_cases.context())
  np.testing.assert_allclose(found, wanted, atol=1e-5)


@every_stage
@pytest.mark.parametrize('value', [0.0, 0.25])
def test_identical_rows_stay_finite_and_alike(name, options, value):
  x = np.full((6, 4), value, np.float32)
  mixed = build(name, **options)(x).numpy()
  np.testing.assert_allclose(mixed, np.full_like(mixed, value))


@every_stage
def test_far_rows_never_give_nan(name, options):
  for size in (1e6, 1e30, 3e38):
    x = rows()
    x[[1, 3]] = size
    assert np.all(np.isfinite(build(name, **options)(x))), size


@pytest.mark.parametrize(
  ('name', 'options', 'message'),
  [
    ('nearest_neighbor_mixing', {'num_byzantine': -1}, '0 or more; got -1'),
    ('arc', {'num_byzantine': -2}, '0 or more; got -2'),
    ('bucketing', {'bucket_size': 0}, 'bucket_size must be 1 or more; got 0'),
    ('clipping', {'radius': 0.0}, 'radius must be above 0; got 0.0'),
    ('clipping', {'radius': float('nan')}, 'radius must be above 0; got nan'),
  ],
)
def test_options_out_of_range_are_refused(name, options, message):
  with pytest.raises(ValueError, match=message):
    build(name, **options)


@pytest.mark.parametrize('name', ['nearest_neighbor_mixing', 'arc'])
def test_half_of_the_clients_malicious_is_refused(name):
  with pytest.raises(
    ValueError, match=r'at least 5 clients \(n > 2 f.*got n=4'
  ):
    build(name, num_byzantine=2)(rows(4))
