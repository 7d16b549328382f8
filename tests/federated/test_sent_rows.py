"""What a round measures of the rows that the rule is given."""

import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec.attacks.attack import Attack
from flsec.federated import adversary, state
from flsec.numerics import columns, moments

_MALICIOUS = np.array([False, True, True, False, False])
_RANKS = [-1, 0, 1, -1, -1]
_N = len(_RANKS)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
  monkeypatch.setattr(columns, 'BLOCK_SIZE', 1)
  monkeypatch.setattr(columns, 'LEAST_COLUMNS', 8)


def _walking(own, benign, context):
  """Sends what one pass over the rows known gives."""
  del context
  mean, std = moments.mean_and_std(benign if benign.shape[0] != 0 else own)
  return tf.broadcast_to(mean + 2 * std, tf.shape(own))


def _not_walking(own, benign, context):
  del context
  return 3.0 * own - tf.reduce_sum(benign, axis=0)


def _too_far(own, benign, context):
  """Sends one row that is not finite."""
  del benign, context
  return tf.concat([own[:-1], own[-1:] * np.inf], axis=0)


def _rows():
  rng = np.random.default_rng(0)
  dimension = tiny.model().num_weights
  return rng.normal(size=[_N, dimension]).astype(np.float32) + np.float32(0.3)


def _measured(
  craft, rows, *, momentum=0.0, weights=None, compiled=False, **options
):
  """Returns the rows sent and what is measured of them, as arrays."""
  options.setdefault('knowledge', 'full')
  plan = tiny.plan(
    _N,
    attack=tiny.attack_plan(Attack('x', craft=craft), _MALICIOUS, **options),
    clients=tiny.clients_config(_N, momentum=momentum),
    num_participants=_N,
    static_rows=compiled,
  )
  start = state.initial_state(plan)
  is_finite = np.isfinite(rows).all(axis=1)
  given = {
    'rank': tf.constant(_RANKS),
    'weight': tf.constant(weights or [1.0] * _N),
    # With momentum nobody has worked out the lengths of these rows before.
    'norm': tf.constant(
      np.full(_N, -1, np.float32) if momentum else np.linalg.norm(rows, axis=1)
    ),
    'is_finite': tf.constant(is_finite),
  }

  @tf.function(autograph=False, jit_compile=compiled)
  def rewrite(updates):
    return adversary.rewrite(plan, start, updates, given)

  return tf.nest.map_structure(np.asarray, rewrite(tf.constant(rows)))


def _check(sent, measured, weights=None):
  """Compares with lengths and means in float64."""
  exact = np.float64(sent)
  is_finite = np.isfinite(exact).all(axis=1)
  rounding = {'rtol': sent.shape[1] * 2.0**-22}
  np.testing.assert_array_equal(measured.is_finite, is_finite)
  np.testing.assert_allclose(
    measured.norm[is_finite],
    np.linalg.norm(exact[is_finite], axis=1),
    **rounding,
  )
  counts = is_finite & (np.array(weights or [1] * _N) > 0)
  bad = exact[counts & _MALICIOUS].mean(axis=0)
  good = exact[counts & ~_MALICIOUS].mean(axis=0)
  cosine = bad @ good / np.linalg.norm(bad) / np.linalg.norm(good)
  np.testing.assert_allclose(
    measured.cosine, cosine, atol=sent.shape[1] * 2.0**-22
  )


@pytest.mark.parametrize('momentum', [0.0, 0.9])
@pytest.mark.parametrize('space', ['gradient', 'update'])
@pytest.mark.parametrize('craft', [_walking, _not_walking])
def test_with_full_knowledge(craft, space, momentum):
  rows = _rows()
  sent, measured = _measured(craft, rows, momentum=momentum, space=space)
  np.testing.assert_array_equal(sent[~_MALICIOUS], rows[~_MALICIOUS])
  assert not np.array_equal(sent, rows)
  _check(sent, measured)


@pytest.mark.parametrize('momentum', [0.0, 0.9])
@pytest.mark.parametrize('knowledge', ['full', 'partial'])
def test_in_a_program_of_static_shapes(knowledge, momentum):
  rows = _rows()
  sent, measured = _measured(
    _walking, rows, momentum=momentum, knowledge=knowledge, compiled=True
  )
  np.testing.assert_array_equal(sent[~_MALICIOUS], rows[~_MALICIOUS])
  _check(sent, measured)


@pytest.mark.parametrize('momentum', [0.0, 0.9])
@pytest.mark.parametrize('knowledge', ['none', 'partial'])
def test_with_less_knowledge(knowledge, momentum):
  found = _measured(_walking, _rows(), momentum=momentum, knowledge=knowledge)
  _check(*found)


@pytest.mark.parametrize('momentum', [0.0, 0.9])
def test_in_a_round_without_attack(momentum):
  rows = _rows()
  sent, measured = _measured(_walking, rows, momentum=momentum, start_round=2)
  np.testing.assert_array_equal(sent, rows)
  _check(sent, measured)


@pytest.mark.parametrize('momentum', [0.0, 0.9])
def test_a_crafted_row_that_is_not_finite_is_not_in_the_means(momentum):
  sent, measured = _measured(_too_far, _rows(), momentum=momentum)
  assert not measured.is_finite[2]
  _check(sent, measured)


@pytest.mark.parametrize('momentum', [0.0, 0.9])
@pytest.mark.parametrize('craft', [_walking, _not_walking])
def test_a_client_whose_row_does_not_count(craft, momentum):
  rows = _rows()
  rows[3, 5] = np.nan
  _check(*_measured(craft, rows, momentum=momentum))
  weights = [0.0, 1.0, 1.0, 1.0, 1.0]
  found = _measured(craft, _rows(), momentum=momentum, weights=weights)
  _check(*found, weights)


def test_benign_rows_beyond_float32s_squares():
  rows = _rows()
  rows[0] *= np.float32(1e25)
  _check(*_measured(_not_walking, rows, momentum=0.9))


@pytest.mark.parametrize('momentum', [0.0, 0.9])
def test_without_an_attack_there_is_no_cosine(momentum):
  plan = tiny.plan(_N, clients=tiny.clients_config(_N, momentum=momentum))
  rows = _rows()
  norm = np.linalg.norm(rows, axis=1)
  given = {'norm': tf.constant(norm), 'is_finite': tf.fill([_N], True)}
  sent, measured = adversary.rewrite(plan, {}, tf.constant(rows), given)
  np.testing.assert_array_equal(sent, rows)
  np.testing.assert_allclose(measured.norm, norm, rtol=1e-5)
  assert measured.cosine is None
