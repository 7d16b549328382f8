import numpy as np
import pytest
import tensorflow as tf
from crafting import context, stack

from flsec.attacks import known_rows

OWN, BENIGN = stack(3, 6, seed=1), stack(4, 6, seed=2)


def test_full_knowledge_reads_the_benign_rows_alone():
  rows = known_rows.known_rows(tf.constant(OWN), tf.constant(BENIGN))
  np.testing.assert_array_equal(rows, BENIGN)


def test_partial_knowledge_reads_the_own_rows():
  rows = known_rows.known_rows(tf.constant(OWN), tf.constant(BENIGN[:0]))
  np.testing.assert_array_equal(rows, OWN)


@pytest.mark.parametrize('num_benign', [0, 4])
def test_the_choice_holds_where_row_counts_are_not_static(num_benign):
  @tf.function(input_signature=[tf.TensorSpec([None, 6])] * 2)
  def rows(own, benign):
    return known_rows.known_rows(own, benign)

  expected = BENIGN if num_benign else OWN
  np.testing.assert_array_equal(rows(OWN, BENIGN[:num_benign]), expected)


@pytest.mark.parametrize(('count', 'wanted'), [(0, 0), (1, 1), (2, 1)])
def test_one_row_is_some(count, wanted):
  @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
  def branch(num_rows):
    return known_rows.branch(
      num_rows, lambda: tf.constant(1), lambda: tf.constant(0)
    )

  assert branch(count) == wanted


def test_all_malicious_clients_send_the_vector():
  craft = known_rows.same_for_all(lambda rows, _: rows[0] * 2)
  rows = craft(tf.constant(OWN), tf.constant(BENIGN), context())
  np.testing.assert_array_equal(rows, np.tile(BENIGN[0] * 2, (3, 1)))


def test_without_malicious_clients_nothing_is_computed():
  def refuse(rows, _):
    raise AssertionError('called')

  craft = known_rows.same_for_all(refuse)
  rows = craft(tf.constant(OWN[:0]), tf.constant(BENIGN), context())
  assert rows.shape == (0, 6)


def test_a_missing_seed_is_refused_by_name():
  with pytest.raises(ValueError, match=r'Attack mine .*seed=None'):
    known_rows.round_seed(context(seed=None), 'mine')


@pytest.mark.parametrize('value', [-0.1, float('nan'), float('inf')])
def test_a_negative_or_unbounded_option_is_refused(value):
  with pytest.raises(ValueError, match=r'mine needs a finite scale >= 0; got'):
    known_rows.require_non_negative('mine', 'scale', value)


def test_zero_is_allowed():
  assert known_rows.require_non_negative('mine', 'scale', 0.0) is None


def test_a_value_outside_the_list_is_refused():
  with pytest.raises(ValueError, match=r"mode must be one of a, b; got 'c'"):
    known_rows.require_choice('mine', 'mode', 'c', ('a', 'b'))
