import numpy as np
import pytest
import tensorflow as tf

from flsec.metrics.detection import detection


def test_a_round_worked_by_hand():
  # Left out: clients 1, 3, 5. Malicious: 3, 4, 5.
  found = detection(
    [0.25, 0, 0.25, 0, 0.5, 0], [False, False, False, True, True, True]
  )
  np.testing.assert_allclose(found['detection/precision'], 2 / 3, rtol=1e-6)
  np.testing.assert_allclose(found['detection/recall'], 2 / 3, rtol=1e-6)
  assert found['detection/malicious_share'] == 0.5
  assert found['detection/selected_benign'] == 2
  assert found['detection/selected_malicious'] == 1


def test_shares_that_do_not_sum_to_one_count_by_their_part():
  found = detection([2.0, -6.0], [True, False])
  assert found['detection/malicious_share'] == 0.25


@pytest.mark.parametrize(
  ('selected', 'malicious', 'undefined'),
  [
    ([1.0, 1.0], [False, True], {'precision'}),
    ([1.0, 0.0], [False, False], {'recall'}),
    ([0.0, 0.0], [False, True], {'malicious_share'}),
  ],
)
def test_a_ratio_of_nothing_is_nan(selected, malicious, undefined):
  found = detection(selected, malicious)
  nan = {key for key, value in found.items() if np.isnan(value.numpy())}
  assert nan == {f'detection/{name}' for name in undefined}


def test_everybody_caught_and_nobody_else():
  found = detection([0.5, 0.5, 0.0], [False, False, True])
  assert found['detection/precision'] == found['detection/recall'] == 1


def test_the_order_of_clients_does_not_matter():
  rng = np.random.default_rng(0)
  selected = np.maximum(rng.standard_normal(20), 0).astype(np.float32)
  malicious = rng.random(20) < 0.3
  order = rng.permutation(20)
  plain = detection(selected, malicious)
  for key, value in detection(selected[order], malicious[order]).items():
    np.testing.assert_allclose(value, plain[key], rtol=1e-6)


def test_it_runs_inside_a_compiled_graph():
  compiled = tf.function(detection, jit_compile=True, autograph=False)
  found = compiled(tf.constant([1.0, 0.0]), tf.constant([False, True]))
  assert found['detection/recall'] == 1


@pytest.mark.parametrize('malicious', [[True], [[True, False]]])
def test_another_length_is_refused(malicious):
  with pytest.raises(ValueError, match=r'takes selected \[n\].*got \(2,\) and'):
    detection([1.0, 0.0], malicious)
