import dataclasses

import numpy as np
import pytest
import tiny_federation as tiny

from flsec.experiment import heterogeneity_record


def test_inputs_are_those_of_the_model():
  # Stored 0 and 1 are inputs -1 and 1: per label two vectors at an angle whose
  # cosine is 0 (label 0: (1, -1), (1, 1)) or 1 (label 1); with itself, too.
  federation = dataclasses.replace(
    tiny.federation([2, 2]),
    x=np.array([[1, 0], [1, 1], [1, 1], [1, 1]], np.uint8),
    y=np.array([0, 0, 1, 1], np.int32),
    num_classes=2,
    scale=2.0,
    shift=-1.0,
  )
  assert heterogeneity_record.of(federation) == {
    'label_distance': pytest.approx(0.5),
    'intra_label_cosine': pytest.approx((0.5 + 1) / 2),
  }


def test_examples_of_nothing_have_no_cosine():
  federation = tiny.federation([2, 2])
  empty = dataclasses.replace(federation, x=np.zeros_like(federation.x))
  assert heterogeneity_record.of(empty)['intra_label_cosine'] is None
