"""Krum, its scores and its published variants."""

import numpy as np
import pytest
import rule_cases
import rule_references as reference
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators import krum_scores
from flsec.aggregators.rule import ServerContext
from flsec.models.layout import Layer, Layout, Span

EXAMPLE = np.array([[0.0], [1], [2], [4], [100]], np.float32)
LAYOUT = Layout(
  layers=(
    Layer(
      name='dense',
      kind='dense',
      spans={'kernel': Span(0, (2, 1)), 'bias': Span(2, (1,))},
      units=1,
    ),
  ),
  size=3,
  output='dense',
)


def test_worked_example():
  scores = krum_scores.krum_scores(tf.constant(EXAMPLE), 1)
  np.testing.assert_allclose(scores, [5, 2, 5, 13, 18820])
  assert aggregators.build('krum', num_byzantine=1)(EXAMPLE) == 1.0


def test_one_more_neighbour_picks_another_row():
  rule = aggregators.build('krum', num_byzantine=1, replication='byzfl')
  scores = krum_scores.krum_scores(tf.constant(EXAMPLE), 1, 'byzfl')
  np.testing.assert_allclose(scores[:4], [21, 11, 9, 29])
  assert rule(EXAMPLE) == 2.0


def test_distances_to_the_fourth_power():
  scores = krum_scores.krum_scores(tf.constant(EXAMPLE), 1, 'flbyz_2024')
  np.testing.assert_allclose(scores[:4], [17, 2, 17, 97])


@pytest.mark.parametrize('scale', [1.0, 1e-3, 1e-5, 1e-8])
@pytest.mark.parametrize('f', [0, 3, 6])
def test_scores_hold_at_every_scale(scale, f):
  x = rule_cases.stack(f) * np.float32(scale)
  wanted = reference.krum_scores(reference.squared_distances(x), len(x) - f - 2)
  found = krum_scores.krum_scores(tf.constant(x), f)
  np.testing.assert_allclose(found, wanted, rtol=1e-6)
  chosen = aggregators.build('krum', num_byzantine=f)(x)
  np.testing.assert_array_equal(chosen, x[np.argmin(wanted)])


def test_a_tie_goes_to_the_lowest_client():
  x = np.array([[9.0], [0], [1], [2], [3], [-9]], np.float32)
  selected = rule_cases.apply(aggregators.build('krum', num_byzantine=1), x)[1][
    'selected'
  ]
  np.testing.assert_array_equal(selected, [0, 0, 1, 0, 0, 0])


def layered():
  rows = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
  plain = np.array(
    [
      [np.linalg.norm((a - b)[:2]) + abs(a[2] - b[2]) for b in rows]
      for a in rows
    ]
  )
  return rows, reference.krum_scores(plain, 3)


def test_the_flap_variant_adds_up_layers_and_divides_by_n():
  rows, scores = layered()
  rule = aggregators.build('krum', num_byzantine=1, replication='flap')
  assert rule.needs == {'layout'}
  found = rule(rows, context=ServerContext(layout=LAYOUT))
  np.testing.assert_allclose(found, rows[np.argmin(scores)] / 6, rtol=1e-5)


def test_the_flap_variant_of_multi_krum_divides_by_n():
  rows, scores = layered()
  rule = aggregators.build('multi_krum', num_byzantine=1, replication='flap')
  found = rule(rows, context=ServerContext(layout=LAYOUT))
  wanted = rows[np.argsort(scores)[:3]].sum(axis=0) / 6
  np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_the_flap_variant_without_a_layout_is_refused():
  rule = aggregators.build('krum', num_byzantine=1, replication='flap')
  with pytest.raises(ValueError, match='needs the layout'):
    rule(EXAMPLE)


@pytest.mark.parametrize(
  ('replication', 'f', 'least'),
  [
    ('none', 1, 5),
    ('none', 0, 3),
    ('flbyz_2024', 1, 4),
    ('byzfl', 1, 3),
    ('byzfl', 0, 2),
    ('flap', 0, 2),
  ],
)
def test_fewest_clients(replication, f, least):
  rule = aggregators.build('krum', num_byzantine=f, replication=replication)
  assert rule.minimum_clients == least
  if replication != 'flap':
    assert np.all(np.isfinite(rule(rule_cases.stack(0, clients=least))))
  with pytest.raises(ValueError, match=f'at least {least} clients'):
    rule(rule_cases.stack(0, clients=least - 1))


@pytest.mark.parametrize('name', ['krum', 'multi_krum'])
def test_refusals(name):
  with pytest.raises(ValueError, match=f'{name}: num_byzantine must be 0'):
    aggregators.build(name, num_byzantine=-1)
  with pytest.raises(ValueError, match='none, flbyz_2024, byzfl, flap; got'):
    aggregators.build(name, num_byzantine=1, replication='paper')
