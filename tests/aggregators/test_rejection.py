import dataclasses
import itertools

import numpy as np
import pytest
import server_cases
import tensorflow as tf

from flsec import aggregators

MEAN = {'name': 'mean'}
NAMES = ('error_rate_rejection', 'loss_rejection', 'union_rejection')


def may_be_rejected(harm, c):
  """All sets of c clients of largest harm: ties leave several."""
  harm = np.asarray(harm, np.float64)
  return [
    set(chosen)
    for chosen in itertools.combinations(range(len(harm)), c)
    if min(harm[list(chosen)]) >= max(np.delete(harm, chosen), default=-np.inf)
  ]


def may_be_kept(name, errors, losses, c):
  """All sets of clients that a rule may keep."""
  by_error, by_loss = may_be_rejected(errors, c), may_be_rejected(losses, c)
  pairs = {
    'error_rate_rejection': [(one, set()) for one in by_error],
    'loss_rejection': [(set(), one) for one in by_loss],
    'union_rejection': list(itertools.product(by_error, by_loss)),
  }[name]
  return [set(range(len(errors))) - one - other for one, other in pairs]


def harms(x, weights, global_weights, validation, single, aggregate):
  """Harm by error and by loss of every client, in float64."""
  found = []
  for i in range(len(x)):
    if single:
      update = x[i]
    else:
      update = aggregate(np.delete(x, i, 0), np.delete(weights, i))
    loss, errors = server_cases.loss_and_errors(
      global_weights + update, *validation
    )
    found.append((errors, loss) if single else (-errors, -loss))
  return zip(*found)


def weighted_mean(x, weights):
  return weights @ x / weights.sum()


def median(x, weights):
  return np.median(x, axis=0)


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('single', [False, True])
@pytest.mark.parametrize(
  ('base', 'aggregate'), [('mean', weighted_mean), ('median', median)]
)
def test_it_follows_the_reference(name, single, base, aggregate):
  given, vx, vy, start = server_cases.validating()
  rng = np.random.default_rng(1)
  x = rng.standard_normal((7, 12)).astype(np.float32)
  weights = rng.integers(1, 9, 7).astype(np.float32)
  rule = aggregators.build(
    name, rule={'name': base}, num_rejected=2, single_update=single
  )
  errors, losses = harms(x, weights, start, (vx, vy), single, aggregate)
  update, measured = server_cases.run(rule, x, given, weights)
  kept = np.flatnonzero(measured['selected'])
  assert set(kept) in may_be_kept(name, errors, losses, 2)
  assert len(may_be_rejected(losses, 2)) == 1
  np.testing.assert_allclose(
    update, aggregate(x[kept], weights[kept]), atol=1e-5
  )


class TableModel:
  """Answers from a table, looked up by the first weight."""

  def __init__(self, answers, keys):
    self.answers = tf.constant(answers, tf.float32)  # [models, s, classes]
    self.keys = tf.constant(keys, tf.float32)

  def inputs(self, x):
    return x

  def logits(self, weights, x):
    nearest = tf.argmin(tf.abs(self.keys - weights[0]))
    return self.answers[nearest]


def four_clients():
  """Four clients, what harm they do, and a context in which they do it."""
  # Errors without client i of 100 examples; losses without client i.
  errors, losses = [20, 10, 22, 21], [1.0, 0.9, 1.2, 0.8]
  x = np.array([[1.0], [2.0], [4.0], [8.0]])
  answers = []
  for wrong, loss in zip(errors, losses):
    # Two margins a, -b give `wrong` errors, and the wanted mean loss.
    right_loss, wrong_loss = 0.01, (loss * 100 - (100 - wrong) * 0.01) / wrong
    margin = lambda nats: -np.log(np.expm1(nats))
    row = np.full(100, margin(right_loss))
    row[:wrong] = margin(wrong_loss)
    answers.append(np.stack([row, np.zeros(100)], axis=1))
  given = server_cases.context(
    [0.0],
    model=TableModel(answers, [(15 - value) / 3 for value in x[:, 0]]),
    validation=(np.zeros((100, 1), np.float32), np.zeros(100, np.int32)),
  )
  return x, given


def test_four_clients_worked_by_hand():
  x, given = four_clients()
  wanted = {
    'error_rate_rejection': [0, 2, 3],
    'loss_rejection': [0, 1, 2],
    'union_rejection': [0, 2],
  }
  for name, kept in wanted.items():
    rule = aggregators.build(name, rule=MEAN, num_rejected=1)
    update, measured = server_cases.run(rule, x, given)
    np.testing.assert_array_equal(np.flatnonzero(measured['selected']), kept)
    np.testing.assert_allclose(update, x[kept].mean(axis=0), rtol=1e-6)


def test_others_may_decide_which_rows_are_judged():
  x, given = four_clients()
  # The first two clients are judged by each other's update.
  judged = lambda rows: tf.gather(rows, [1, 0, 2, 3])
  wanted = {
    'error_rate_rejection': [1, 2, 3],
    'loss_rejection': [0, 1, 2],
    'union_rejection': [1, 2],
  }
  for name, kept in wanted.items():
    rule = aggregators.build(name, rule=MEAN, num_rejected=1, screened=False)
    rule = dataclasses.replace(rule, next=rule.scored_by(judged))
    update, measured = server_cases.run(rule, x, given)
    np.testing.assert_array_equal(np.flatnonzero(measured['selected']), kept)
    np.testing.assert_allclose(update, x[kept].mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize('name', NAMES)
def test_of_clients_that_tie_the_seed_rejects_some(name):
  given, *_ = server_cases.validating()
  x = np.ones((5, 12), np.float32)
  rule = aggregators.build(name, rule=MEAN, num_rejected=2)

  @tf.function(autograph=False)
  def selected(seed):
    context = dataclasses.replace(given, seed=seed)
    return rule.next((), tf.constant(x), tf.ones([5]), context)[2]['selected']

  kept = [selected(tf.constant([seed, 7])).numpy() > 0 for seed in range(200)]
  assert set(np.sum(kept, axis=1)) == {3}
  # 80 rejections are expected of each client; 5 standard deviations are 35.
  np.testing.assert_allclose(200 - np.sum(kept, axis=0), 80, atol=35)
  again = selected(tf.constant([11, 7])).numpy() > 0
  np.testing.assert_array_equal(again, kept[11])


@pytest.mark.parametrize('name', NAMES)
def test_a_context_without_a_seed_is_refused(name):
  given = dataclasses.replace(server_cases.validating()[0], seed=None)
  rule = aggregators.build(name, rule=MEAN, num_rejected=1)
  with pytest.raises(ValueError, match=f'{name} breaks ties.*`seed`'):
    rule(np.ones((3, 12), np.float32), context=given)


@pytest.mark.parametrize('base', ['mean', 'median'])
def test_a_union_of_all_keeps_the_least_harmful(base):
  given, vx, vy, start = server_cases.validating()
  for seed in range(30):
    x = np.random.default_rng(seed).standard_normal((3, 12)).astype(np.float32)
    errors, losses = harms(x, np.ones(3), start, (vx, vy), True, weighted_mean)
    if may_be_kept('union_rejection', errors, losses, 2) == [set()]:
      break
  rule = aggregators.build(
    'union_rejection', rule={'name': base}, num_rejected=2, single_update=True
  )
  update, measured = server_cases.run(rule, x, given)
  ranks = [np.argsort(np.argsort(-np.array(h))) for h in (errors, losses)]
  assert len(set(errors)) == len(set(sum(ranks))) == 3
  wanted = np.argmax(sum(ranks))
  assert np.flatnonzero(measured['selected']) == [wanted]
  np.testing.assert_allclose(update, x[wanted])


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('size', [1e6, 1e30])
def test_a_far_row_is_rejected(name, size):
  rng = np.random.default_rng(2)
  # Clear labels, so that the far row is worse than any other.
  vx = np.eye(4, dtype=np.float32)[np.arange(12) % 3]
  vy = (np.arange(12) % 3).astype(np.int32)
  start = np.zeros((4, 3), np.float32)
  start[:3] = 5 * np.eye(3)
  given = server_cases.context(
    start.ravel(),
    model=server_cases.LinearModel(4, 3),
    validation=(vx, vy),
  )
  x = (0.1 * rng.standard_normal((5, 12))).astype(np.float32)
  x[3] = size * np.roll(start, 1, axis=1).ravel()
  rule = aggregators.build(name, rule=MEAN, num_rejected=1)
  update, measured = server_cases.run(rule, x, given)
  assert measured['selected'][3] == 0
  assert np.all(np.abs(update) < 1)


@pytest.mark.parametrize('name', NAMES)
def test_nothing_rejected_is_the_rule_itself(name):
  given, *_ = server_cases.validating()
  x = np.random.default_rng(3).standard_normal((4, 12)).astype(np.float32)
  rule = aggregators.build(name, rule={'name': 'median'}, num_rejected=0)
  np.testing.assert_allclose(
    rule(x, context=given), np.median(x, axis=0), atol=1e-6
  )


def test_zero_rows_give_a_zero_update():
  given, *_ = server_cases.validating()
  rule = aggregators.build('union_rejection', rule=MEAN, num_byzantine=1)
  update = rule(np.zeros((4, 12), np.float32), context=given)
  np.testing.assert_array_equal(update, np.zeros(12))


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('base', ['mean', 'median'])
def test_it_compiles_under_xla(name, base):
  given, *_ = server_cases.validating()
  x = np.random.default_rng(4).standard_normal((5, 12)).astype(np.float32)
  rule = aggregators.build(
    name, rule={'name': base}, num_rejected=1, screened=False
  )
  found, _ = server_cases.run(rule, x, given, compiled=True)
  wanted, _ = server_cases.run(rule, x, given)
  np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize('name', NAMES)
def test_a_dropped_row_makes_the_number_of_rows_dynamic(name):
  given, *_ = server_cases.validating()
  x = np.random.default_rng(5).standard_normal((6, 12)).astype(np.float32)
  rule = aggregators.build(name, rule={'name': 'median'}, num_rejected=1)
  wanted, _ = server_cases.run(rule, x, given)
  with_bad = np.insert(x, 2, np.nan, axis=0)
  found, measured = server_cases.run(rule, with_bad, given)
  np.testing.assert_allclose(found, wanted, atol=1e-6)
  assert measured['selected'].shape == (7,) and measured['selected'][2] == 0


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({}, 'one of num_rejected and num_byzantine.*num_rejected=None'),
    ({'num_rejected': 1, 'num_byzantine': 1}, 'takes one of num_rejected'),
    ({'num_rejected': -1}, '0 or more; got num_rejected=-1'),
  ],
)
def test_options_out_of_range_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    aggregators.build('loss_rejection', rule=MEAN, **options)


@pytest.mark.parametrize(
  ('validation', 'message'),
  [
    (None, 'needs at least 1 validation example on the server; got no'),
    ((np.zeros((0, 4)), np.zeros(0)), 'got an empty set of validation'),
  ],
)
def test_a_server_without_validation_examples_is_refused(validation, message):
  given = server_cases.context(np.zeros(12), validation=validation)
  rule = aggregators.build('loss_rejection', rule=MEAN, num_rejected=1)
  assert rule.needs == {'validation', 'seed'}
  with pytest.raises(ValueError, match=message):
    rule(np.zeros((3, 12), np.float32), context=given)


def test_the_fewest_clients_leave_enough_for_the_rule_inside():
  krum = {'name': 'krum', 'num_byzantine': 1}
  rule = aggregators.build('union_rejection', rule=krum, num_rejected=2)
  assert rule.minimum_clients == 7
  given, *_ = server_cases.validating()
  why = r'at least 7 clients \(5 for krum.*, after 2 rejected\); got n=6'
  assert 'after 2 rejected' in rule.requirement
  with pytest.raises(ValueError, match=why):
    rule(np.zeros((6, 12), np.float32), context=given)
