import numpy as np
import pytest
import tensorflow as tf
from mask_layouts import MIXED, layout_of

from flsec.attacks.updates.masks import erk

WORKED = ((100, 10), (10, 10))


@pytest.mark.parametrize(
  ('fraction', 'expected'),
  [(0.5, [0.46538, 0.84615]), (0.7, [0.67, 1.0]), (1.0, [1.0, 1.0])],
)
def test_worked_densities(fraction, expected):
  np.testing.assert_allclose(
    erk.densities(WORKED, fraction), expected, atol=1e-4
  )


@pytest.mark.parametrize('fraction', [0.005, 0.05, 0.3, 0.9])
def test_the_densities_meet_the_budget(fraction):
  shapes = ((3, 3, 16, 32), (3, 3, 32, 64), (64, 10), (5, 3))
  sizes = [np.prod(shape) for shape in shapes]
  found = erk.densities(shapes, fraction)
  assert np.dot(found, sizes) == pytest.approx(fraction * sum(sizes))
  assert max(found) <= 1 and min(found) > 0


def test_a_filter_counts_all_four_axes():
  first, second = erk.densities(((3, 3, 8, 8), (5, 5, 8, 8)), 0.1)
  assert first / second == pytest.approx((22 / 576) / (26 / 1600))


def test_the_first_convolution_is_whole_and_out_of_the_budget():
  counts = np.zeros(MIXED.size)
  for draw in range(100):
    counts += erk.erk(MIXED, 0.2, tf.constant([draw, 3])).numpy()
  rates = counts / 100
  assert (rates[:36] == 1).all()
  hidden, output = erk.densities(((40, 20), (20, 5)), 0.2)
  assert rates[56:856].mean() == pytest.approx(hidden, abs=0.01)
  assert rates[876:976].mean() == pytest.approx(output, abs=0.02)
  assert not rates[36:56].any() and not rates[856:876].any()


def test_without_convolutions_every_kernel_is_in_the_budget():
  layout = layout_of(
    ('hidden', 'dense', {'kernel': (100, 10), 'bias': (10,)}),
    ('out', 'dense', {'kernel': (10, 10), 'bias': (10,)}),
  )
  counts = sum(
    int(erk.erk(layout, 0.5, tf.constant([draw, 0])).numpy().sum())
    for draw in range(100)
  )
  assert counts / 100 == pytest.approx(550, abs=10)
