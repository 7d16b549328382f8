"""The coordinate-wise median."""

import numpy as np
import pytest
import rule_cases

from flsec import aggregators


def test_an_even_number_of_values_gives_the_mean_of_the_middle_two():
  x = np.array([[1.0], [2.0], [3.0], [10.0]], np.float32)
  assert aggregators.build('median')(x) == 2.5


@pytest.mark.parametrize('clients', [1, 2, 3, 10, 31])
@pytest.mark.parametrize('scale', [1.0, 1e-8])
def test_it_is_numpys_median(clients, scale):
  x = rule_cases.stack(clients, clients=clients) * np.float32(scale)
  np.testing.assert_allclose(
    aggregators.build('median')(x), np.median(x, axis=0), rtol=1e-6
  )


def test_weights_do_not_count():
  x = np.array([[0.0], [1.0], [5.0]], np.float32)
  weights = np.array([9.0, 1.0, 1.0], np.float32)
  assert aggregators.build('median')(x, weights=weights) == 1.0
