import numpy as np
import pytest
from crafting import craft, stack

from flsec import attacks


def test_sends_minus_scale_times_the_benign_mean():
  crafted = craft('ipm', np.ones((3, 2)), [[1.0, 4.0], [3.0, -8.0]], scale=0.5)
  np.testing.assert_allclose(crafted, [[-1.0, 1.0]] * 3)


def test_the_inner_product_with_the_mean_is_negative():
  benign = stack(10, 40)
  crafted = craft('ipm', np.zeros((1, 40)), benign)
  mean = benign.mean(axis=0)
  assert crafted[0] @ mean == pytest.approx(-0.4 * mean @ mean, rel=1e-5)


def test_partial_knowledge_reverses_the_own_mean():
  own = stack(4, 6)
  crafted = craft('ipm', own, stack(9, 6, seed=5), knowledge='partial')
  np.testing.assert_allclose(crafted[0], -0.4 * own.mean(axis=0), rtol=1e-5)


def test_a_negative_scale_is_refused():
  with pytest.raises(
    ValueError, match=r'ipm needs a finite scale >= 0; got -2'
  ):
    attacks.build('ipm', scale=-2.0)
