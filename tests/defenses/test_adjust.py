"""Tests of adjusting extreme weights."""

import math

import layouts
import numpy as np
import pytest

from flsec.attacks.attack import AttackContext
from flsec.attacks.data.label_flip import label_flip
from flsec.attacks.training.self_pruning import self_pruning
from flsec.defenses import channels
from flsec.defenses.adjust import adjust, deltas
from flsec.defenses.extreme_weights import extreme_weights
from flsec.defenses.phase import SCORE, Score

LAYOUT = layouts.conv_net(2)  # The kernel is entries 0 to 3.
KERNEL = [-1.0, 0.0, 1.0, 10.0]  # mu 2.5, sigma 4.3875.


def _weights(kernel=KERNEL):
  weights, mask = layouts.ones(LAYOUT)
  weights[:4] = kernel
  weights[4:] = 99.0
  return weights, mask


def _never(zeroed_at, points):
  raise AssertionError('nothing is to be tested')


def test_one_delta_by_hand():
  weights, mask = _weights()
  phase = adjust(num_deviations=1.0)
  assert not phase.needs and not phase.removes
  found, same, record = phase.decide(weights, mask, None, LAYOUT, _never)
  np.testing.assert_array_equal(found, [-1, 0, 1, 0] + [99.0] * 6)
  assert not same.any()
  assert record == {'removed': 1, 'delta': 1.0}
  assert weights[3] == 10  # Pure.


def test_removed_weights_do_not_count_in_mean_and_deviation():
  """(-1, 0, 0, 4), the zeros removed: mu 1.5, sigma 2.5, nothing beyond 1."""
  weights, mask = _weights([-1.0, 0.0, 0.0, 4.0])
  assert extreme_weights(weights, mask, LAYOUT['conv'], [1.0])[3] == 1
  mask[1:3] = True
  found = extreme_weights(weights, mask, LAYOUT['conv'], [1.0, 0.9])
  # |4 - 1.5| = |-1 - 1.5| = 2.5 = sigma: beyond 0.9 of it.
  expected = np.full(LAYOUT.size, channels.NEVER)
  expected[[0, 3]] = 2
  np.testing.assert_array_equal(found, expected)


def test_the_attacker_that_prunes_itself_uses_the_same_numbers():
  rng = np.random.default_rng(0)
  layout = layouts.conv_net(40)
  weights = rng.standard_t(2, layout.size).astype(np.float32)
  mask = rng.random(layout.size) < 0.3
  weights[mask] = 0.0
  flip = label_flip(source_label=1, target_label=2)
  context = AttackContext(weights=weights, removed=mask, layout=layout)
  attacked = self_pruning(attack=flip, num_deviations=2.0).project(
    weights, context
  )
  defended, *_ = adjust(num_deviations=2.0).decide(
    weights, mask, None, layout, _never
  )
  np.testing.assert_array_equal(attacked, defended)
  assert (defended != weights).sum() > 0


def test_a_sweep_keeps_the_last_delta_that_costs_little():
  """|w - mu| / sigma is 0.798, 0.570, 0.342 and 1.709."""
  weights, mask = _weights()
  asked = []

  def evaluate(zeroed_at, points):
    assert [point['delta'] for point in points] == [
      math.inf,
      1.5,
      1.25,
      1.0,
      0.75,
      0.5,
    ]
    assert [point['removed'] for point in points] == [0, 1, 1, 1, 2, 3]
    np.testing.assert_array_equal(
      zeroed_at, [4, 5, channels.NEVER, 1] + [channels.NEVER] * 6
    )

    def score(point):
      asked.append(point)
      return Score([0.9, 0.9, 0.899, 0.895, 0.8, 0.7][point])

    return score

  phase = adjust(largest=1.5, smallest=0.5, step=0.25)
  assert phase.needs == {SCORE}
  found, same, record = phase.decide(weights, mask, None, LAYOUT, evaluate)
  assert asked == [0, 1, 2, 3, 4]
  np.testing.assert_array_equal(found[:4], [-1, 0, 1, 0])
  assert record == {'removed': 1, 'delta': 1.0}
  assert not same.any()


def test_a_sweep_that_finds_nothing_leaves_the_weights():
  weights, mask = _weights()
  found, _, record = adjust(largest=1.0, smallest=1.0).decide(
    weights, mask, None, LAYOUT, lambda *path: lambda k: Score(0.9 - 0.5 * k)
  )
  np.testing.assert_array_equal(found, weights)
  assert record == {'removed': 0, 'delta': math.inf}


def test_a_lasting_adjustment_joins_the_mask():
  weights, mask = _weights()
  phase = adjust(num_deviations=1.0, is_lasting=True)
  _, mask, _ = phase.decide(weights, mask, None, LAYOUT, _never)
  np.testing.assert_array_equal(np.flatnonzero(mask), [3])


def test_paths_are_nested_and_agree_with_one_delta_each():
  rng = np.random.default_rng(1)
  layout = layouts.conv_net(60)
  weights = rng.standard_t(2, layout.size).astype(np.float32)
  mask = rng.random(layout.size) < 0.2
  values = deltas(3.0, 0.5, 0.25)
  path = extreme_weights(weights, mask, layout['conv'], values)
  kernel = weights[:120][~mask[:120]].astype(np.float64)
  for point, delta in enumerate(values, start=1):
    distance = np.abs(weights.astype(np.float64) - kernel.mean())
    expected = (distance > delta * kernel.std()) & ~mask
    expected[120:] = False
    np.testing.assert_array_equal(path <= point, expected)


@pytest.mark.parametrize(
  ('arguments', 'expected'),
  [
    ((3.0, 1.0, 1.0), [3.0, 2.0, 1.0]),
    ((1.0, 0.7, 0.1), [1.0, 0.9, 0.8, 0.7]),
    ((2.0, 2.0, 0.5), [2.0]),
    ((2.0, 1.2, 0.5), [2.0, 1.5]),
    # The quotient is computed as 3.99999999994.
    ((1e5 + 0.4, 1e5, 0.1), [1e5 + 0.4, 1e5 + 0.3, 1e5 + 0.2, 1e5 + 0.1, 1e5]),
  ],
)
def test_deltas_are_the_decimals_that_were_written(arguments, expected):
  assert deltas(*arguments) == expected


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'num_deviations': 0.0}, r'num_deviations > 0; got 0\.0'),
    ({'largest': 1.0, 'smallest': 2.0}, r'got 1\.0 and 2\.0'),
    ({'smallest': 0.0}, 'above 0; got'),
    ({'step': 0.0}, r'step > 0; got 0\.0'),
    ({'step': 1e-30}, 'at most 1,000 values of Delta; from 6.0'),
    ({'largest': math.inf}, 'at most 1,000 values of Delta; from inf'),
    ({'stop': 'never'}, "stop of adjust 'never'"),
    ({'max_loss_rise': 0.1, 'feedback': True}, 'clients report accuracies'),
  ],
)
def test_impossible_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    adjust(**options)


def test_a_model_without_conv_layer_is_refused():
  with pytest.raises(ValueError, match='adjust changes the last conv layer'):
    adjust().check(layouts.dense_net())
  adjust(layer='hidden').check(layouts.dense_net())
  adjust().check(LAYOUT)
