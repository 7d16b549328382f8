"""Tests of federated pruning."""

import layouts
import numpy as np
import pytest

from flsec.defenses import channels
from flsec.defenses.phase import SCORE, Reports, Score
from flsec.defenses.prune import prune

# Mean ranks 2.33, 2, 3 and 2.67 of three clients: channels 1, 0, 3, 2.
RANKS = Reports(np.array([7, 6, 9, 8]), valid=3)
BITS = Reports(np.array([1, 1, 2, 2]), valid=3)


def _entries(layout, channel):
  """Places of a channel in `layouts.conv_net`, by hand."""
  c = layout['conv'].units
  places = [channel, c + channel, 2 * c + channel]
  if layout['conv'].norms:
    places += [3 * c + channel, 4 * c + channel]
  return places


def _never(zeroed_at, points):
  raise AssertionError('nothing is to be tested')


class _Accuracies:
  """Scores a point by a list; keeps what it was asked about."""

  def __init__(self, accuracies):
    self.accuracies, self.path, self.asked = accuracies, None, []

  def __call__(self, zeroed_at, points):
    self.path, self.points = zeroed_at, points

    def score(point):
      self.asked.append(point)
      return Score(self.accuracies[point])

    return score


@pytest.mark.parametrize('normalization', [False, True])
def test_a_channel_is_its_column_its_bias_and_its_norm(normalization):
  layout = layouts.conv_net(normalization=normalization)
  for channel, places in enumerate(channels.entries(layout, layout['conv'])):
    np.testing.assert_array_equal(places, _entries(layout, channel))


def test_channels_go_in_the_order_of_the_vote_until_accuracy_drops():
  layout = layouts.conv_net()
  weights, mask = layouts.ones(layout)
  evaluate = _Accuracies([0.98, 0.975, 0.97, 0.9])
  pruned, removed, record = prune().decide(
    weights, mask, RANKS, layout, evaluate
  )
  assert evaluate.asked == [0, 1, 2, 3]
  expected = np.zeros(layout.size, bool)
  expected[_entries(layout, 1) + _entries(layout, 0)] = True
  np.testing.assert_array_equal(removed, expected)
  np.testing.assert_array_equal(pruned, np.where(expected, 0, 1))
  assert record == {'removed': 2, 'tied': 0, 'largest_tie': 0}
  assert weights.all() and not mask.any()  # Pure.


def test_the_path_names_each_channels_point():
  layout = layouts.conv_net()
  evaluate = _Accuracies([0.9] * 4)
  prune().decide(*layouts.ones(layout), RANKS, layout, evaluate)
  path = np.full(layout.size, channels.NEVER)
  for point, channel in enumerate([1, 0, 3], start=1):
    path[_entries(layout, channel)] = point
  np.testing.assert_array_equal(evaluate.path, path)
  assert evaluate.points == [{'removed': count} for count in range(4)]


def test_one_channel_always_stays():
  layout = layouts.conv_net()
  _, removed, record = prune().decide(
    *layouts.ones(layout), RANKS, layout, _Accuracies([0.9] * 4)
  )
  assert record['removed'] == 3
  gone = channels.removed(removed, layout, layout['conv'])
  np.testing.assert_array_equal(gone, [True, True, False, True])


@pytest.mark.parametrize(
  ('test_every', 'accuracies', 'tested', 'removed'),
  [
    (2, [0.9, 0.9, 0.9, 0.9], [0, 2, 4, 5], 5),
    (2, [0.9, 0.9, 0.5], [0, 2, 4, 5], 2),
    (5, [0.9, 0.9], [0, 5], 5),
    (9, [0.9, 0.9], [0, 5], 5),
  ],
)
def test_it_is_tested_every_few_channels(
  test_every, accuracies, tested, removed
):
  layout = layouts.conv_net(6)
  phase = prune(test_every=test_every)
  reports = Reports(np.arange(6), valid=1)
  evaluate = _Accuracies(accuracies)
  _, mask, record = phase.decide(
    *layouts.ones(layout), reports, layout, evaluate
  )
  assert [point['removed'] for point in evaluate.points] == tested
  assert record['removed'] == removed
  gone = channels.removed(mask, layout, layout['conv'])
  np.testing.assert_array_equal(np.flatnonzero(gone), np.arange(removed))


def test_majority_votes_tell_their_ties():
  layout = layouts.conv_net()
  phase = prune(vote='majority', stop='cumulative')
  _, removed, record = phase.decide(
    *layouts.ones(layout), BITS, layout, _Accuracies([0.9, 0.895, 0.88])
  )
  gone = channels.removed(removed, layout, layout['conv'])
  np.testing.assert_array_equal(np.flatnonzero(gone), [0])
  assert record == {'removed': 1, 'tied': 4, 'largest_tie': 2}


def test_a_number_of_channels_needs_no_test():
  layout = layouts.conv_net()
  phase = prune(num_channels=3)
  assert not phase.needs
  _, removed, record = phase.decide(
    *layouts.ones(layout), RANKS, layout, _never
  )
  gone = channels.removed(removed, layout, layout['conv'])
  np.testing.assert_array_equal(gone, [True, True, False, True])
  assert record['removed'] == 3


def test_what_is_removed_already_is_not_counted_again():
  layout = layouts.conv_net()
  weights, mask = layouts.ones(layout)
  mask[_entries(layout, 1)] = True
  weights[mask] = 0
  evaluate = _Accuracies([0.9] * 3)
  _, removed, record = prune().decide(weights, mask, RANKS, layout, evaluate)
  assert (evaluate.path[_entries(layout, 1)] == channels.NEVER).all()
  assert record['removed'] == 2
  gone = channels.removed(removed, layout, layout['conv'])
  np.testing.assert_array_equal(gone, [True, True, False, True])


@pytest.mark.parametrize(('before', 'more'), [([1], 2), ([0, 1, 3], 0)])
def test_one_channel_stays_whatever_a_search_has_left(before, more):
  layout = layouts.conv_net()
  weights, mask = layouts.ones(layout)
  for channel in before:
    mask[_entries(layout, channel)] = True
  weights[mask] = 0
  phase = prune(num_channels=3)
  found, removed, record = phase.decide(weights, mask, RANKS, layout, _never)
  assert record['removed'] == more
  gone = channels.removed(removed, layout, layout['conv'])
  np.testing.assert_array_equal(gone, [True, True, False, True])
  assert not found[removed].any()


def test_the_question_is_the_votes():
  assert prune().collect.kind == 'ranks'
  question = prune(vote='majority', share=0.3, layer='conv').collect
  assert (question.kind, question.share) == ('bits', 0.3)
  assert question.layer == 'conv'
  assert prune().needs == {SCORE}


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'vote': 'rank'}, "vote of prune 'rank'; did you mean 'ranking'"),
    ({'ties': 'random'}, "ties of prune 'random'"),
    ({'share': 0.0}, r'0 < share < 1; got 0\.0'),
    ({'share': 1.0}, r'0 < share < 1; got 1\.0'),
    ({'test_every': 0}, 'test_every >= 1; got 0'),
    ({'num_channels': 0}, 'num_channels >= 1; got 0'),
    ({'max_drop': 2.0}, r'max_drop must be 0 to 1; got 2\.0'),
  ],
)
def test_impossible_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    prune(**options)


@pytest.mark.parametrize(
  ('options', 'layout', 'message'),
  [
    ({}, layouts.dense_net(), 'prune changes the last conv layer, but the'),
    ({'layer': 'lost'}, layouts.conv_net(), "no conv or dense layer 'lost'"),
    ({'layer': 'output'}, layouts.conv_net(), "'output' is the output layer"),
    (
      {'vote': 'majority', 'share': 0.2},
      layouts.conv_net(),
      r"0\.2 of the 4 channels of 'conv' is none",
    ),
  ],
)
def test_models_it_cannot_work_on_are_refused(options, layout, message):
  with pytest.raises(ValueError, match=message):
    prune(**options).check(layout)


def test_models_it_can_work_on_are_not():
  prune().check(layouts.conv_net())
  prune(layer='hidden').check(layouts.dense_net())
  prune(num_channels=3).check(layouts.conv_net())
