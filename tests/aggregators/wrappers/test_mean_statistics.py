"""A rule that never sees batch normalisation's moving statistics."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators.rule import ServerContext
from flsec.models.layout import Layer, Layout, Span

NORM = {
  'gamma': Span(4, (2,)),
  'moving_mean': Span(6, (2,)),
  'moving_variance': Span(8, (2,)),
}
LAYOUT = Layout(
  (
    Layer('conv', 'conv', {'kernel': Span(0, (2, 1, 1, 2))}, 2),
    Layer('norm', 'norm', NORM, 2),
    Layer('out', 'dense', {'kernel': Span(10, (2, 1))}, 1),
  ),
  12,
  'out',
)
CONTEXT = ServerContext(layout=LAYOUT, seed=tf.constant([0, 0]))
IS_STATISTIC = np.isin(np.arange(12), [6, 7, 8, 9])


def stack(rows=7):
  generator = np.random.default_rng(0)
  return generator.normal(size=[rows, 12]).astype(np.float32)


def build(name, **options):
  return aggregators.build('mean_statistics', rule={'name': name, **options})


@pytest.mark.parametrize(
  ('name', 'options'),
  [('median', {}), ('krum', {'num_byzantine': 1}), ('sign_majority', {})],
)
def test_the_rule_decides_the_rest_and_the_mean_the_statistics(name, options):
  x = stack()
  found = build(name, **options)(x, context=CONTEXT).numpy()
  inside = aggregators.build(name, **options)(np.where(IS_STATISTIC, 0.0, x))
  np.testing.assert_allclose(
    found[IS_STATISTIC], x.mean(axis=0)[IS_STATISTIC], rtol=1e-5, atol=1e-6
  )
  np.testing.assert_array_equal(
    found[~IS_STATISTIC], inside.numpy()[~IS_STATISTIC]
  )


def test_statistics_do_not_decide_which_row_krum_takes():
  x = stack()
  x[3] = x[:, :].mean(axis=0)
  x[3, IS_STATISTIC] = 1e4
  alone = aggregators.build('krum', num_byzantine=1)(x)
  assert not np.array_equal(alone[:6], x[3, :6])
  found = build('krum', num_byzantine=1)(x, context=CONTEXT)
  np.testing.assert_array_equal(found[:6], x[3, :6])


def test_a_model_without_statistics_is_left_to_the_rule():
  plain = Layout((LAYOUT.layers[0],), 12, 'conv')
  context = dataclasses.replace(CONTEXT, layout=plain)
  x = stack()
  np.testing.assert_array_equal(
    build('median')(x, context=context), aggregators.build('median')(x)
  )


def test_the_root_update_has_no_statistics_either():
  root = np.arange(1.0, 13.0, dtype=np.float32)
  context = dataclasses.replace(
    CONTEXT,
    weights=tf.zeros([12]),
    root=(tf.zeros([1, 2]), tf.zeros([1], tf.int32)),
    train=lambda *given: tf.constant(root),
  )
  x = stack()
  found = build('fltrust')(x, context=context).numpy()
  rows, root = (np.where(IS_STATISTIC, 0.0, v) for v in (x, root))
  norms = np.linalg.norm(rows, axis=1)
  length = np.linalg.norm(root)
  trust = np.maximum(rows @ root / (norms * length), 0.0)
  wanted = (trust * length / norms) @ rows / trust.sum()
  np.testing.assert_allclose(
    found[~IS_STATISTIC], wanted[~IS_STATISTIC], rtol=1e-4, atol=1e-5
  )


def test_rows_that_are_not_finite_do_not_count():
  x = stack()
  bad = np.concatenate([x, np.full((1, 12), np.nan, np.float32)])
  rule = build('median')
  np.testing.assert_allclose(
    rule(bad, context=CONTEXT), rule(x, context=CONTEXT), rtol=1e-6
  )


def test_needs_and_least_clients_are_those_of_the_rule_and_the_layout():
  rule = build('krum', num_byzantine=2)
  inside = aggregators.build('krum', num_byzantine=2)
  assert rule.minimum_clients == inside.minimum_clients == 7
  assert rule.needs == inside.needs | {'layout'}
  assert 'krum' in rule.name
  assert not build('mean').is_weighted_mean


def test_a_call_outside_a_round_is_refused():
  with pytest.raises(ValueError, match='needs the `layout` of the model'):
    build('median')(stack())
