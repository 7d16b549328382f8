import numpy as np
import pytest
import tensorflow as tf
from crafting import craft, stack

from flsec import attacks

PERTURBATIONS = ('unit', 'sign', 'std')


def _vectors(rows, perturbation):
  exact = rows.astype(np.float64)
  mean, std = exact.mean(axis=0), exact.std(axis=0, ddof=1)
  unit = mean / np.linalg.norm(mean)
  return mean, {'unit': unit, 'sign': np.sign(mean), 'std': std}[perturbation]


def _is_allowed(point, rows):
  exact = rows.astype(np.float64)
  furthest = ((point - exact) ** 2).sum(axis=1).max()
  pairs = ((exact[:, None] - exact[None]) ** 2).sum(axis=2)
  return furthest <= pairs.max()


def test_worked_example():
  crafted = craft('min_max', np.zeros((2, 1)), [[0.0], [1.0], [5.0]])
  np.testing.assert_allclose(crafted, [[0.0], [0.0]], atol=1e-4)


@pytest.mark.parametrize('perturbation', PERTURBATIONS)
@pytest.mark.parametrize('centre', [0.05, 1.0])
def test_the_oracle_holds_at_gamma_and_fails_just_above(perturbation, centre):
  rows = stack(9, 300, centre=centre)
  mean, vector = _vectors(rows, perturbation)
  initial = 100.0 if perturbation == 'unit' else 10.0
  crafted = craft(
    'min_max',
    rows[:1],
    rows,
    perturbation=perturbation,
    initial_scale=initial,
  )[0]
  gamma = (mean - crafted) @ vector / (vector @ vector)
  assert gamma > 0.01
  np.testing.assert_allclose(crafted, mean - gamma * vector, atol=1e-5)
  assert _is_allowed(mean - (gamma - 2e-5) * vector, rows)
  assert not _is_allowed(mean - (gamma + 5e-5) * vector, rows)


def test_the_search_stops_below_twice_its_start():
  rows = stack(9, 300)
  mean, vector = _vectors(rows, 'unit')
  crafted = craft(
    'min_max', rows[:1], rows, perturbation='unit', initial_scale=0.5
  )[0]
  assert (mean - crafted) @ vector == pytest.approx(1.0, abs=1e-3)


def test_translation_carries_over_with_the_std():
  rows = stack(6, 40)
  still = craft('min_max', rows[:1], rows)
  moved = craft('min_max', rows[:1], rows + np.float32(2))
  np.testing.assert_allclose(moved, still + 2, atol=1e-4)


@pytest.mark.parametrize('perturbation', PERTURBATIONS)
def test_one_row_known_is_sent_as_it_is(perturbation):
  own = stack(1, 30)
  crafted = craft(
    'min_max', own, own, knowledge='partial', perturbation=perturbation
  )
  np.testing.assert_allclose(crafted, own, atol=2e-5)


def test_a_zero_mean_leaves_the_unit_vector_no_direction():
  rows = np.array([[1.0, 2.0], [-1.0, -2.0]])
  crafted = craft('min_max', rows, rows, perturbation='unit')
  np.testing.assert_array_equal(crafted, np.zeros((2, 2)))


def test_bad_options_are_refused():
  with pytest.raises(ValueError, match=r'min_max: perturbation must be one of'):
    attacks.build('min_max', perturbation='mean')
  with pytest.raises(ValueError, match='replication must be one of'):
    attacks.build('min_max', replication='flbyz')
  with pytest.raises(ValueError, match="got perturbation='unit'"):
    attacks.build('min_max', replication='agramplifier', perturbation='unit')


class TestAgramplifiersCode:
  def code(self, own, benign):
    """The published loop, one attacker at a time, in float64."""
    own, benign = own.astype(np.float64), benign.astype(np.float64)
    deviation = benign.std(axis=0, ddof=1)
    pairs = np.linalg.norm(benign[:, None] - benign[None], axis=2)
    rows = []
    for row in own:
      scale, step, kept = 10.0, 10.0, 0.0
      while abs(kept - scale) > 1e-5:
        point = row - scale * deviation
        if ((benign - point) ** 2).sum(axis=1).max() <= pairs.max():
          kept, scale = scale, scale + step / 2
        else:
          scale -= step / 2
        step /= 2
      rows.append(row - kept * deviation)
    return np.array(rows)

  def test_worked_by_hand(self):
    # Benign 0 and 0.1: sigma = 0.1 / sqrt(2), and a bound of 0.1, not 0.01.
    # From 0.05 the row goes to 0.1 - sqrt(0.1), from 0.3 to the same place.
    options = {'replication': 'agramplifier'}
    crafted = craft('min_max', [[0.05], [0.3]], [[0.0], [0.1]], **options)
    np.testing.assert_allclose(crafted, [[0.1 - 0.1**0.5]] * 2, atol=1e-5)

  def test_far_apart_it_sends_the_honest_update(self):
    # Benign 0 and 4: from 2.1 the square, 4.41, is above the distance, 4.
    options = {'replication': 'agramplifier'}
    own = [[2.1], [50.0]]
    np.testing.assert_array_equal(
      craft('min_max', own, [[0.0], [4.0]], **options), np.float32(own)
    )
    assert craft('min_max', own, [[0.0], [4.0]])[0] != 2.1

  def test_a_deviation_needs_two_rows(self):
    attack = attacks.build('min_max', replication='agramplifier')
    assert attack.minimum_known_rows == 2

  @pytest.mark.parametrize('size', [1e-3, 0.02, 0.1])
  @pytest.mark.parametrize('knowledge', ['full', 'partial'])
  def test_it_follows_the_published_loop(self, size, knowledge):
    rows = stack(12, 200, centre=0.0) * np.float32(size)
    own, benign = rows[:4], rows[4:]
    crafted = craft(
      'min_max', own, benign, knowledge=knowledge, replication='agramplifier'
    )
    wanted = self.code(own, benign if knowledge == 'full' else own)
    np.testing.assert_allclose(crafted, wanted, atol=3e-5 * size)
    assert (size < 0.1) == bool(np.abs(crafted - own).max() > 0)

  def test_nobody_crafts_nothing(self):
    rows = stack(5, 10)
    found = craft('min_max', rows[:0], rows, replication='agramplifier')
    assert found.shape == (0, 10)

  def test_xla_compiles_it(self):
    rows = stack(7, 30) * np.float32(0.01)
    attack = attacks.build('min_max', replication='agramplifier')
    compiled = tf.function(
      lambda own, benign: attack.craft(own, benign, None), jit_compile=True
    )
    found = compiled(tf.constant(rows[:2]), tf.constant(rows[2:]))
    np.testing.assert_allclose(found, self.code(rows[:2], rows[2:]), atol=1e-6)
