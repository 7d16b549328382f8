"""Rows that are not finite, and rounds with too few clients."""

import numpy as np
import pytest
import rule_cases
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators import rule as rules
from flsec.aggregators import screening


def broken(clients=7, bad=4):
  x = rule_cases.stack(0, clients=clients, dimension=5)
  x[:bad, 1] = np.inf
  return x


def test_too_few_finite_rows_stop_the_run():
  rule = aggregators.build('krum', num_byzantine=1)
  with pytest.raises(
    tf.errors.InvalidArgumentError, match=r'at least 5 clients \(n >= 2 f \+ 3'
  ):
    rule(broken())


@pytest.mark.parametrize('is_late', [False, True])
def test_too_few_finite_rows_are_averaged_on_request(is_late):
  rule = aggregators.build('krum', num_byzantine=1, on_too_few='mean')
  x = broken()
  update, measured = _run(rule, x, is_late)
  np.testing.assert_allclose(update, x[4:].mean(axis=0), rtol=1e-6)
  np.testing.assert_allclose(
    measured['selected'], [0, 0, 0, 0, *[1 / 3] * 3], rtol=1e-6
  )
  assert measured['too_few_clients'] == 1
  assert measured['num_dropped'] == 4


@pytest.mark.parametrize('is_late', [False, True])
def test_too_few_finite_rows_are_skipped_on_request(is_late):
  rule = aggregators.build('krum', num_byzantine=1, on_too_few='skip')
  update, measured = _run(rule, broken(), is_late)
  np.testing.assert_array_equal(update, np.zeros(5))
  np.testing.assert_array_equal(measured['selected'], np.zeros(7))
  assert measured['too_few_clients'] == 1


@pytest.mark.parametrize('is_late', [False, True])
@pytest.mark.parametrize(('bad', 'wanted'), [(2, 2.5), (4, 0.0)])
def test_what_a_rule_measures_is_zero_where_it_is_not_asked(
  is_late, bad, wanted
):
  def next_state(state, updates, weights, context):
    del weights, context
    measured = {
      'selected': tf.ones(tf.shape(updates)[:1]),
      'bound': tf.constant(2.5),
      'score': tf.fill(tf.shape(updates)[:1], 2.5),
    }
    return state, tf.reduce_mean(updates, axis=0), measured

  told = rules.Rule('told', next_state, minimum_clients=5)
  rule = screening.screened(told, 'skip')
  _, measured = _run(rule, broken(bad=bad), is_late)
  assert measured['bound'] == wanted
  np.testing.assert_array_equal(
    measured['score'], [*[0.0] * bad, *[wanted] * (7 - bad)]
  )


@pytest.mark.parametrize('policy', ['mean', 'skip'])
def test_enough_rows_need_no_policy(policy):
  rule = aggregators.build('krum', num_byzantine=1, on_too_few=policy)
  x = broken(bad=2)
  update, measured = _run(rule, x, is_late=False)
  np.testing.assert_array_equal(
    update, aggregators.build('krum', num_byzantine=1)(x[2:])
  )
  assert measured['too_few_clients'] == 0


@pytest.mark.parametrize('policy', ['mean', 'skip'])
def test_no_finite_row_at_all_gives_zero(policy):
  rule = aggregators.build('median', on_too_few=policy)
  update, measured = _run(rule, broken(bad=7), is_late=False)
  np.testing.assert_array_equal(update, np.zeros(5))
  assert measured['num_dropped'] == 7


def test_skipping_keeps_the_state():
  rule = aggregators.build('centered_clipping', on_too_few='skip')
  state, _, _ = rule.next(
    tf.fill([5], 3.0),
    tf.constant(broken(bad=7)),
    tf.ones([7]),
    rules.ServerContext(),
  )
  np.testing.assert_array_equal(state, np.full(5, 3.0))


def test_too_few_clients_of_a_known_number_fall_back_too():
  x = rule_cases.stack(2, clients=3, dimension=4)
  rule = aggregators.build('krum', num_byzantine=1, on_too_few='mean')
  update, measured = _run(rule, x, is_late=False)
  np.testing.assert_allclose(update, x.mean(axis=0), rtol=1e-6)
  assert measured['too_few_clients'] == 1


def test_too_few_of_a_number_known_late_stop_the_run():
  rule = aggregators.build('krum', num_byzantine=1)
  with pytest.raises(tf.errors.InvalidArgumentError, match='at least 5 client'):
    _run(rule, rule_cases.stack(2, clients=4, dimension=4), is_late=True)


def test_weights_of_dropped_rows_do_not_count():
  x = np.array([[1.0], [np.nan], [4.0]], np.float32)
  rule = aggregators.build('mean')
  found = rule(x, weights=np.array([1.0, 50.0, 2.0], np.float32))
  np.testing.assert_allclose(found, [3.0])


def test_rows_of_weight_zero_are_dropped():
  x = np.array([[0.0], [3.0], [0.0], [5.0], [4.0]], np.float32)
  weights = np.array([0.0, 1, 0, 2, 7], np.float32)
  # Krum's rows are 1 from their nearest: the first of three that tie.
  for name, expected in (('median', 4), ('krum', 3), ('mean', 41 / 10)):
    options = {'num_byzantine': 0} if name == 'krum' else {}
    found = aggregators.build(name, **options)(x, weights=weights)
    np.testing.assert_allclose(found, [expected], rtol=1e-6)


def test_clients_without_examples_alone_are_too_few():
  rule = aggregators.build('median', on_too_few='skip')
  update, measured = rule.next(
    (), tf.ones([3, 2]), tf.zeros([3]), rules.ServerContext()
  )[1:]
  np.testing.assert_array_equal(update, np.zeros(2))
  assert measured['num_dropped'] == 0 and measured['too_few_clients'] == 1


def test_a_policy_by_another_name_is_refused():
  with pytest.raises(ValueError, match="error, mean, skip; got 'ignore'"):
    aggregators.build('median', on_too_few='ignore')


def test_screening_twice_is_screening_once():
  once = aggregators.build('median')
  assert screening.screened(once).unscreened is once.unscreened
  assert aggregators.build('median', screened=False).unscreened is None


def _run(rule, x, is_late):
  shape = [None, x.shape[1]] if is_late else x.shape

  def apply(rows):
    weights = tf.ones([tf.shape(rows)[0]])
    return rule.next((), rows, weights, rules.ServerContext())[1:]

  run = tf.function(
    apply, autograph=False, input_signature=[tf.TensorSpec(shape)]
  )
  update, measured = run(tf.constant(x))
  return update.numpy(), {k: v.numpy() for k, v in measured.items()}


def test_rows_that_may_not_count_are_counted_and_left_in():
  rule = aggregators.build('mean')
  rows = np.array([[1.0, 2], [3, 4], [5, 9], [np.inf, 1]], np.float32)
  context = rules.ServerContext(is_finite=tf.constant([True] * 3 + [False]))
  weights = tf.constant([1.0, 1, 0, 1])
  for given in (rule, screening.screened(rule)):
    _, update, measured = screening.counting(given).next(
      (), tf.constant(rows), weights, context
    )
    assert int(measured['num_dropped']) == 2
    assert int(measured['too_few_clients']) == 0
    # The mean of all three of weight 1: nothing is kept from the rule.
    assert np.isinf(update[0])
    np.testing.assert_allclose(update[1], 7 / 3, rtol=1e-6)
