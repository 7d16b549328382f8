"""Crafted rows: who sees what, when, and whose rows change."""

import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec.attacks.attack import Attack
from flsec.federated import adversary, state

_MALICIOUS = [False, True, True, False]
_RANKS = [-1, 0, 1, -1]


def _sums(own, benign, context):
  """Sends, in every entry, what it has seen."""
  del context
  seen = tf.reduce_sum(own) + 1000 * tf.reduce_sum(benign)
  return tf.fill(tf.shape(own), seen)


def _plan(craft=_sums, knowledge='full', num_participants=4, **options):
  attack = tiny.attack_plan(
    Attack('x', craft=craft), _MALICIOUS, knowledge=knowledge, **options
  )
  return tiny.plan(
    attack=attack, num_participants=num_participants, clients=_four()
  )


def _four():
  return tiny.clients_config(4)


def _rewritten(plan, rows, ranks=_RANKS, round_number=0, weights=None):
  """Returns [n], the first entry of each row after the adversary."""
  server_state = state.initial_state(plan)
  server_state['round'] = tf.constant(round_number)
  updates = tf.constant(rows, tf.float32)[:, tf.newaxis]
  updates = updates * tf.one_hot([0], plan.dimension)

  @tf.function(autograph=False)
  def rewrite(updates, ranks):
    given = {
      'rank': ranks,
      'weight': tf.constant(weights or [1.0] * len(rows)),
      'norm': tf.norm(updates, axis=1),
      'is_finite': tf.reduce_all(tf.math.is_finite(updates), axis=1),
    }
    return adversary.rewrite(plan, server_state, updates, given)[0]

  return rewrite(updates, tf.constant(ranks)).numpy()


class TestKnowledge:
  def test_full_sees_benign_rows(self):
    found = _rewritten(_plan(), [1, 2, 3, 4])
    np.testing.assert_array_equal(found[:, 0], [1, 5005, 5005, 4])
    other = _rewritten(_plan(), [1, 2, 3, 5])
    assert not np.array_equal(found[1:3], other[1:3])

  def test_partial_sees_the_malicious_rows(self):
    found = _rewritten(_plan(knowledge='partial'), [1, 2, 3, 4])
    np.testing.assert_array_equal(found[:, 0], [1, 5, 5, 4])
    other = _rewritten(_plan(knowledge='partial'), [9, 2, 3, -7])
    np.testing.assert_array_equal(found[1:3], other[1:3])
    other = _rewritten(_plan(knowledge='partial'), [1, 2, 4, 4])
    assert not np.array_equal(found[1:3], other[1:3])

  def test_none_sees_its_own_row(self):
    found = _rewritten(_plan(knowledge='none'), [1, 2, 3, 4])
    np.testing.assert_array_equal(found[:, 0], [1, 2, 3, 4])
    other = _rewritten(_plan(knowledge='none'), [9, 2, 8, 9])
    np.testing.assert_array_equal(found[1], other[1])

  @pytest.mark.parametrize('knowledge', ['none', 'partial'])
  def test_benign_rows_are_not_there_to_be_looked_at(self, knowledge):
    shapes = []

    def craft(own, benign, context):
      shapes.append((own.shape.as_list(), benign.shape.as_list()))
      return own

    plan = _plan(craft, knowledge)
    _rewritten(plan, [1, 2, 3, 4])
    rows = 1 if knowledge == 'none' else 2
    assert shapes[0] == ([rows, plan.dimension], [0, plan.dimension])
    assert all(benign == [0, plan.dimension] for _, benign in shapes)


class TestRows:
  def test_benign_rows_stay_bit_for_bit(self):
    rows = [0.1, 0.2, 0.3, 0.7]
    found = _rewritten(_plan(), rows)
    np.testing.assert_array_equal(found[[0, 3], 0], np.float32([0.1, 0.7]))
    assert not found[[0, 3], 1:].any()

  def test_selected_clients_are_told_by_their_ranks(self):
    plan = _plan(num_participants=3)
    found = _rewritten(plan, [1, 2, 3], ranks=[-1, -1, 1])
    np.testing.assert_array_equal(found[:, 0], [1, 2, 3003])
    found = _rewritten(plan, [1, 2, 3], ranks=[0, 1, -1])
    np.testing.assert_array_equal(found[:, 0], [3003, 3003, 3])

  @pytest.mark.parametrize('knowledge', ['none', 'partial', 'full'])
  def test_a_round_without_attackers_is_left_alone(self, knowledge):
    def craft(own, benign, context):
      return own + np.nan

    plan = _plan(craft, knowledge, num_participants=3)
    found = _rewritten(plan, [1, 2, 3], ranks=[-1, -1, -1])
    np.testing.assert_array_equal(found[:, 0], [1, 2, 3])

  def test_shapes_are_static_where_everyone_takes_part(self):
    seen = []

    def craft(own, benign, context):
      seen.append((own.shape[0], benign.shape[0]))
      return own

    _rewritten(_plan(craft), [1, 2, 3, 4])
    # And once more, for rounds in which a row is dropped.
    assert seen == [(2, 2), (None, None)]

  def _told(self, knowledge, rows, **options):
    """Crafts what is seen, with n and f behind it, on updates."""

    def craft(own, benign, context):
      told = 10 * context.num_clients + context.num_byzantine
      seen = _sums(own, benign, context)
      return 100 * seen + tf.cast(told, tf.float32)

    plan = _plan(craft, knowledge, space='update')
    return _rewritten(plan, rows, **options)[:, 0]

  @pytest.mark.parametrize(
    'knowledge, sent',
    # Of own and benign rows the 2 and the 4; two clients, one malicious.
    [('full', 400221), ('partial', 221), ('none', 221)],
  )
  def test_clients_without_examples_neither_send_nor_are_seen(
    self, knowledge, sent
  ):
    found = self._told(knowledge, [1, 2, 3, 4], weights=[0.0, 5.0, 0.0, 2.0])
    np.testing.assert_array_equal(found, [1, sent, 3, 4])

  @pytest.mark.parametrize('value', [np.nan, np.inf])
  def test_rows_that_will_be_dropped_are_not_seen(self, value):
    found = self._told('full', [value, 2, 3, 4])
    np.testing.assert_array_equal(found[1:], [400532, 400532, 4])
    for knowledge in ('partial', 'none'):
      found = self._told(knowledge, [1, value, 3, 4])
      np.testing.assert_array_equal(found, [1, value, 331, 4])

  def test_an_attacker_that_knows_the_others_needs_no_row_of_its_own(self):
    def craft(own, benign, context):
      return tf.fill(tf.shape(own), tf.reduce_sum(benign))

    found = _rewritten(_plan(craft), [1, np.nan, 3, 4])
    np.testing.assert_array_equal(found[:, 0], [1, 5, 5, 4])


class TestSchedule:
  def test_only_attacked_rounds(self):
    plan = _plan(start_round=2, stop_round=6, every=2)
    changed = [
      number
      for number in range(1, 9)
      if _rewritten(plan, [1, 2, 3, 4], round_number=number - 1)[1, 0] != 2
    ]
    assert changed == [2, 4, 6]


def test_the_context_tells_the_round():
  told = {}

  def craft(own, benign, context):
    told.update(vars(context))
    return own * tf.cast(context.round_number, tf.float32)

  plan = _plan(craft)
  found = _rewritten(plan, [1, 2, 3, 4], round_number=6)
  np.testing.assert_array_equal(found[:, 0], [1, 14, 21, 4])
  assert told['client_rank'] is None
  assert told['layout'] is plan.model.layout and told['model'] is plan.model
  assert told['seed'].shape == [2]
  assert told['weights'].shape == told['previous_update'].shape


def test_draws_change_with_the_round():
  def craft(own, benign, context):
    return tf.random.stateless_uniform(tf.shape(own), context.seed)

  plan = _plan(craft)
  first, again, second = (
    _rewritten(plan, [1, 2, 3, 4], round_number=number) for number in (0, 0, 1)
  )
  np.testing.assert_array_equal(first, again)
  assert not np.array_equal(first[1], second[1])


def test_without_craft_nothing_is_rewritten():
  attack = Attack('x', poison=lambda x, y, context: (x, y))
  plan = tiny.plan(attack=tiny.attack_plan(attack, _MALICIOUS))
  updates = tf.ones([4, plan.dimension])
  start = state.initial_state(plan)
  rows = {
    'rank': tf.constant(_RANKS),
    'weight': tf.ones([4]),
    'norm': tf.ones([4]),
    'is_finite': tf.fill([4], True),
  }
  assert adversary.rewrite(plan, start, updates, rows)[0] is updates
  assert adversary.rewrite(tiny.plan(), {}, updates, rows)[0] is updates
