import numpy as np
import pytest
from crafting import craft, stack

from flsec import attacks

WORKED = [[0.0], [1.0], [5.0]]


def _is_allowed(point, rows, bound):
  exact = rows.astype(np.float64)
  sums = ((exact[:, None] - exact[None]) ** 2).sum(axis=(1, 2))
  return ((point - exact) ** 2).sum() <= getattr(sums, bound)()


@pytest.mark.parametrize(('bound', 'expected'), [('min', 1.0), ('max', -1.0)])
def test_worked_example(bound, expected):
  crafted = craft('min_sum', np.zeros((2, 1)), WORKED, bound=bound)
  np.testing.assert_allclose(crafted, [[expected]] * 2, atol=1e-4)


@pytest.mark.parametrize('bound', ['min', 'max'])
@pytest.mark.parametrize('perturbation', ['unit', 'sign', 'std'])
def test_the_oracle_holds_at_gamma_and_fails_just_above(perturbation, bound):
  rows = stack(9, 300)
  exact = rows.astype(np.float64)
  mean, std = exact.mean(axis=0), exact.std(axis=0, ddof=1)
  vector = {
    'unit': mean / np.linalg.norm(mean),
    'sign': np.sign(mean),
    'std': std,
  }[perturbation]
  initial = 100.0 if perturbation == 'unit' else 10.0
  crafted = craft(
    'min_sum',
    rows[:1],
    rows,
    perturbation=perturbation,
    bound=bound,
    initial_scale=initial,
  )[0]
  gamma = (mean - crafted) @ vector / (vector @ vector)
  assert gamma > 0.1
  assert _is_allowed(mean - (gamma - 5e-5) * vector, rows, bound)
  assert not _is_allowed(mean - (gamma + 5e-5) * vector, rows, bound)


def test_one_row_known_is_sent_as_it_is():
  own = stack(1, 30)
  crafted = craft('min_sum', own, own, knowledge='partial')
  np.testing.assert_array_equal(crafted, own)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'bound': 'mean'}, r"min_sum: bound must be one of min, max; got 'mean'"),
    ({'tolerance': 0.0}, r'min_sum needs a finite tolerance > 0; got 0'),
  ],
)
def test_bad_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    attacks.build('min_sum', **options)
