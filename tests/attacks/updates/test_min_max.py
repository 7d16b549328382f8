import numpy as np
import pytest
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
