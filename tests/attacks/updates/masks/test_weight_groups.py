import numpy as np
import pytest
import tensorflow as tf
from mask_layouts import CRITICAL, KERNELS, MIXED, TRACKED

from flsec.attacks.updates.masks import weight_groups


def _ranges(spans):
  return [(span.start, span.stop) for span in spans]


def test_kernels_and_critical_tensors_make_up_what_is_trained():
  assert _ranges(weight_groups.kernel_spans(MIXED)) == KERNELS
  assert _ranges(weight_groups.critical_spans(MIXED)) == CRITICAL
  trained = weight_groups.positions(weight_groups.trained_spans(MIXED))
  assert len(trained) == MIXED.size - 8
  assert not set(range(*TRACKED)) & set(trained.tolist())


def test_critical_tensors_join_a_mask():
  mask = weight_groups.with_critical(tf.zeros([MIXED.size], tf.bool), MIXED)
  expected = np.zeros(MIXED.size, bool)
  for start, stop in CRITICAL:
    expected[start:stop] = True
  np.testing.assert_array_equal(mask, expected)


def test_marks_entries():
  mask = weight_groups.at(tf.constant([4, 0]), 5)
  np.testing.assert_array_equal(mask, [True, False, False, False, True])


@pytest.mark.parametrize(
  ('fraction', 'size', 'count'),
  [(0.29, 100, 29), (0.5, 7, 3), (1.0, 9, 9), (0.005, 100, 0)],
)
def test_floors_what_the_fraction_means(fraction, size, count):
  assert weight_groups.kept(fraction, size) == count
