"""The last tests of a run, and how far its accuracy fell."""

import numpy as np
import pytest

from flsec.metrics import steadiness


class TestLastTests:
  @pytest.mark.parametrize(
    ('tests', 'share', 'wanted'),
    [(1, 0.1, 1), (10, 0.1, 1), (11, 0.1, 2), (30, 0.1, 3), (250, 0.1, 25),
     (7, 1.0, 7), (4, 0.5, 2)],
  )  # fmt: skip
  def test_how_many(self, tests, share, wanted):
    accuracy = np.arange(tests) / 1000
    found = steadiness.last_tests(accuracy, share)
    assert found.tests == wanted
    assert found.lowest == (tests - wanted) / 1000
    assert found.highest == (tests - 1) / 1000

  def test_median(self):
    accuracy = [0.1, 0.5, 0.96, 0.93, 0.2, 0.95]
    odd = steadiness.last_tests(accuracy, 0.5)
    assert odd == (3, 0.93, 0.2, 0.95)
    even = steadiness.last_tests(accuracy, 0.6)
    assert even == (4, pytest.approx(0.94), 0.2, 0.96)

  def test_one_without_a_number(self):
    found = steadiness.last_tests([0.9, float('nan'), 0.8], 1.0)
    assert found.tests == 3 and np.isnan(found[1:]).all()
    assert steadiness.last_tests([float('nan'), *[0.5] * 9])[1:] == (0.5,) * 3

  def test_nothing_was_tested(self):
    assert steadiness.last_tests([]) is None

  @pytest.mark.parametrize('share', [0.0, -0.1, 1.1, float('nan')])
  def test_a_share_out_of_range(self, share):
    with pytest.raises(ValueError, match='share must be above 0'):
      steadiness.last_tests([0.5], share)


class TestDeepestFall:
  @pytest.mark.parametrize(
    ('accuracy', 'wanted'),
    [
      # 0.9 to 0.3, past a smaller fall and part of the way back.
      ([0.2, 0.9, 0.6, 0.7, 0.3, 0.8], (0.6, 20, 50)),
      # From the last of equal heights; to the first of equal depths.
      ([0.5, 0.5, 0.1, 0.1], (0.4, 20, 30)),
      # Later and from higher, but less deep.
      ([0.6, 0.1, 0.9, 0.5], (0.5, 10, 20)),
      ([0.1, 0.2, 0.2, 0.3], None),
      ([0.4], None),
      ([], None),
    ],
  )
  def test_worked_example(self, accuracy, wanted):
    rounds = 10 * np.arange(1, len(accuracy) + 1)
    found = steadiness.deepest_fall(rounds, accuracy)
    if wanted is None:
      assert found is None
    else:
      assert found == (pytest.approx(wanted[0]), *wanted[1:])

  @pytest.mark.parametrize('seed', range(20))
  def test_it_is_the_deepest_of_all_pairs(self, seed):
    accuracy = np.random.default_rng(seed).integers(0, 12, size=15) / 11
    rounds = np.arange(15)
    pairs = [
      (accuracy[s] - accuracy[t]) for t in range(15) for s in range(t)
    ]  # fmt: skip
    found = steadiness.deepest_fall(rounds, accuracy)
    assert found.depth == max(pairs)
    assert accuracy[found.from_round] - accuracy[found.to_round] == found.depth

  def test_lengths_that_differ(self):
    with pytest.raises(ValueError, match='one accuracy a round'):
      steadiness.deepest_fall([1, 2], [0.5])
