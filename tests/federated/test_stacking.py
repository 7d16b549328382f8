"""Client results on their way to the server: rows, or running sums."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec.federated import server_step, stacking


def _result(client_id, update, weight=1.0):
  return {
    'update': tf.constant(update, tf.float32),
    'loss': tf.constant(float(client_id)),
    'weight': tf.constant(weight),
    'client_id': tf.constant(client_id),
    'rank': tf.constant(-1),
  }


def _plan(rule):
  # The update has the model's size; only the first two entries are used here.
  return tiny.plan(rule=rule)


def _row(plan, first, second):
  return np.r_[first, second, np.zeros(plan.dimension - 2)]


def _total(parts, results):
  total = parts.zero()
  for result in results:
    total = parts.accumulate(total, result)
  return total


class TestRows:
  def test_are_in_the_order_in_which_they_came(self):
    plan = _plan('median')
    parts = stacking.build_stacking(plan)
    results = [_result(i, _row(plan, i, -i), i + 1.0) for i in (2, 0, 1)]
    total = _total(parts, results)
    np.testing.assert_array_equal(total['client_id'], [2, 0, 1])
    np.testing.assert_array_equal(total['updates'][:, 1], [-2, 0, -1])
    np.testing.assert_array_equal(total['weight'], [3, 1, 2])
    np.testing.assert_allclose(total['norm'], np.sqrt([8, 0, 2]), rtol=1e-6)
    assert np.all(total['is_finite'])

  def test_merging_concatenates(self):
    plan = _plan('median')
    parts = stacking.build_stacking(plan)
    rows = [_result(i, _row(plan, i, 1)) for i in range(4)]
    whole = _total(parts, rows)
    merged = parts.merge(_total(parts, rows[:1]), _total(parts, rows[1:]))
    for name in whole:
      np.testing.assert_array_equal(merged[name], whole[name])

  def test_rows_that_are_not_finite_stay_for_the_rule_to_screen(self):
    plan = _plan('median')
    parts = stacking.build_stacking(plan)
    total = _total(parts, [_result(0, _row(plan, np.nan, 1))])
    assert np.isnan(total['updates'][0, 0])
    assert not total['is_finite'][0]

  def test_slots_ride_along(self):
    optimizer = {'learning_rate': 0.1, 'name': 'adam', 'persistent': True}
    plan = tiny.plan(clients=tiny.clients_config(optimizer=optimizer))
    parts = stacking.build_stacking(plan)
    result = _result(0, _row(plan, 1, 2))
    result.update(
      slots=tf.ones([2, plan.dimension]), count=tf.constant(6, tf.int32)
    )
    total = _total(parts, [result, result])
    assert total['slots'].shape == [2, 2, plan.dimension]
    np.testing.assert_array_equal(total['counts'], [6, 6])


def _sum(total):
  """Returns the first two sums, which are kept scaled by 2^-48."""
  return total['sum'][:2].numpy() * 2.0**48


class TestSums:
  def test_are_weighted(self):
    plan = _plan('mean')
    parts = stacking.build_stacking(plan)
    results = [
      _result(0, _row(plan, 1, 2), 1.0),
      _result(1, _row(plan, 3, 6), 3.0),
    ]
    total = _total(parts, results)
    assert 'updates' not in total
    np.testing.assert_array_equal(_sum(total), [10, 20])
    assert total['sum_weight'].numpy() == 4

  @pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
  def test_leave_out_what_is_not_finite(self, bad):
    plan = _plan('mean')
    parts = stacking.build_stacking(plan)
    results = [
      _result(0, _row(plan, 1, bad), 5.0),
      _result(1, _row(plan, 3, 6), 3.0),
    ]
    total = _total(parts, results)
    np.testing.assert_array_equal(_sum(total), [9, 18])
    assert total['sum_weight'].numpy() == 3
    assert not np.isfinite(total['norm'][0])

  def test_of_the_largest_numbers_do_not_overflow(self):
    plan = _plan('mean')
    parts = stacking.build_stacking(plan)
    largest = float(np.finfo(np.float32).max)
    results = [
      _result(index, _row(plan, largest, -largest), 600.0) for index in range(8)
    ]
    update = server_step._streamed(plan, _total(parts, results))[0]
    np.testing.assert_allclose(update[:2], [largest, -largest], rtol=1e-6)

  def test_merging_adds(self):
    plan = _plan('mean')
    parts = stacking.build_stacking(plan)
    rows = [_result(i, _row(plan, i, 1), i + 1.0) for i in range(4)]
    whole = _total(parts, rows)
    merged = parts.merge(_total(parts, rows[:3]), _total(parts, rows[3:]))
    for name in whole:
      np.testing.assert_allclose(merged[name], whole[name])


def test_types_say_what_the_functions_make():
  for rule in ('mean', 'median'):
    plan = _plan(rule)
    parts = stacking.build_stacking(plan)
    total = _total(parts, [_result(0, _row(plan, 1, 2))])
    assert list(total) == list(parts.accumulator_type)
    for name, spec in parts.accumulator_type.items():
      assert spec.is_compatible_with(total[name]), name
      assert spec.is_compatible_with(parts.zero()[name]), name


class TestOrder:
  def _stack(self, ids):
    ids = tf.constant(ids)
    return {
      'client_id': ids,
      'updates': tf.cast(ids, tf.float32)[:, tf.newaxis] * tf.ones([1, 2]),
      'sum': tf.constant([1.0, 2.0]),
    }

  @pytest.mark.parametrize('ids', [[0, 4, 7], [7, 0, 4], [4, 0, 7], [5]])
  def test_rows_come_by_client_id(self, ids):
    ordered = tf.function(stacking.in_client_order)(self._stack(ids))
    np.testing.assert_array_equal(ordered['client_id'], sorted(ids))
    np.testing.assert_array_equal(ordered['updates'][:, 1], sorted(ids))
    np.testing.assert_array_equal(ordered['sum'], [1, 2])

  def test_the_stack_given_is_left_alone(self):
    stack = self._stack([2, 1])
    stacking.in_client_order(stack)
    np.testing.assert_array_equal(stack['client_id'], [2, 1])


def test_a_rule_that_is_no_mean_is_stacked():
  plan = _plan('mean')
  rule = dataclasses.replace(plan.rule, is_weighted_mean=False)
  parts = stacking.build_stacking(dataclasses.replace(plan, rule=rule))
  assert 'updates' in parts.accumulator_type
