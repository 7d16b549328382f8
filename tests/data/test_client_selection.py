import numpy as np
import pytest

from flsec.data import place_malicious, select
from flsec.data.selection import attack_period, holders

_MALICIOUS = place_malicious(40, 8, seed=0)


def _select(scheme, round_number=1, seed=0, **options):
  return select(scheme, round_number, 40, _MALICIOUS, seed, **options)


def test_malicious_clients_are_drawn_among_candidates():
  candidates = [3, 7, 8, 20, 31]
  drawn = [
    np.flatnonzero(place_malicious(40, 3, seed, among=candidates))
    for seed in range(20)
  ]
  assert all(len(ids) == 3 and set(ids) <= set(candidates) for ids in drawn)
  assert set(np.concatenate(drawn)) == set(candidates)
  message = r'the 5 clients that may be malicious, \[3, 7, 8, 20, 31\]; got 6'
  with pytest.raises(ValueError, match=message):
    place_malicious(40, 6, 0, among=candidates)


def test_placement_has_the_count_and_depends_on_the_seed():
  first, same, other = (place_malicious(40, 8, seed) for seed in (1, 1, 2))
  assert first.dtype == bool and first.sum() == 8 == other.sum()
  np.testing.assert_array_equal(first, same)
  assert not np.array_equal(first, other)


@pytest.mark.parametrize('count', [0, 5])
def test_placement_may_be_nobody_or_everybody(count):
  assert place_malicious(5, count, 0).sum() == count


def test_placement_by_indices():
  placed = place_malicious(5, 2, 0, indices=[4, 1])
  assert placed.tolist() == [False, True, False, False, True]


@pytest.mark.parametrize(
  ('count', 'indices', 'message'),
  [
    (6, None, 'from 0 to the 5 clients; got 6'),
    (-1, None, 'from 0 to the 5 clients; got -1'),
    (2, [1], 'num_byzantine=2 different clients'),
    (2, [1, 1], 'num_byzantine=2 different clients'),
    (2, [1, 5], 'indices must be from 0 to 4'),
    (2, [-1, 1], 'indices must be from 0 to 4'),
  ],
)
def test_placement_refuses_bad_input(count, indices, message):
  with pytest.raises(ValueError, match=message):
    place_malicious(5, count, 0, indices)


def test_all_takes_everyone():
  np.testing.assert_array_equal(_select('all'), np.arange(40))
  np.testing.assert_array_equal(_select('all', num_selected=40), np.arange(40))


_SCHEMES = [
  ('uniform', {'num_selected': 10}),
  ('fixed_malicious', {'num_selected': 10, 'num_malicious_selected': 3}),
  ('attack_frequency', {'num_selected': 10, 'attack_frequency': 0.5}),
]


@pytest.mark.parametrize(('scheme', 'options'), _SCHEMES)
def test_ascending_distinct_and_of_the_wanted_number(scheme, options):
  for round_number in range(1, 30):
    chosen = _select(scheme, round_number, **options)
    assert len(chosen) == 10 and (np.diff(chosen) > 0).all()
    assert chosen[0] >= 0 and chosen[-1] < 40


@pytest.mark.parametrize(('scheme', 'options'), _SCHEMES)
def test_depends_on_seed_and_round_alone(scheme, options):
  first, same = _select(scheme, 4, **options), _select(scheme, 4, **options)
  np.testing.assert_array_equal(first, same)
  assert not np.array_equal(first, _select(scheme, 6, **options))
  assert not np.array_equal(first, _select(scheme, 4, seed=1, **options))


def test_uniform_chooses_every_client_alike():
  counts = np.zeros(40)
  for round_number in range(1, 1001):
    counts[_select('uniform', round_number, num_selected=10)] += 1
  # Mean 250, standard deviation 13.7.
  assert np.abs(counts - 250).max() < 70
  assert counts.sum() == 10_000


@pytest.mark.parametrize(('wanted', 'expected'), [(0, 0), (3, 3), (None, 8)])
def test_fixed_malicious_has_the_same_number_every_round(wanted, expected):
  for round_number in range(1, 20):
    chosen = _select(
      'fixed_malicious',
      round_number,
      num_selected=10,
      num_malicious_selected=wanted,
    )
    assert _MALICIOUS[chosen].sum() == expected


@pytest.mark.parametrize('frequency', [1, 0.5, 1 / 3, 0.333, 0.2, 0.1])
def test_attack_frequency_attacks_multiples_of_its_period(frequency):
  period = {0.333: 3}.get(frequency, round(1 / frequency))
  for round_number in range(1, 31):
    chosen = _select(
      'attack_frequency',
      round_number,
      num_selected=10,
      attack_frequency=frequency,
    )
    expected = 8 if round_number % period == 0 else 0
    assert _MALICIOUS[chosen].sum() == expected


def test_attack_frequency_with_fewer_malicious():
  chosen = _select(
    'attack_frequency',
    4,
    num_selected=10,
    attack_frequency=0.25,
    num_malicious_selected=2,
  )
  assert _MALICIOUS[chosen].sum() == 2


@pytest.mark.parametrize('frequency', [0, -1, 1.5, 0.3, 0.7, float('nan')])
def test_refuses_a_frequency_that_is_no_whole_period(frequency):
  with pytest.raises(ValueError, match=r'attack_frequency must be 1, 1/2'):
    attack_period(frequency)


@pytest.mark.parametrize(
  ('scheme', 'options', 'message'),
  [
    ('unifrom', {}, "did you mean 'uniform'"),
    ('uniform', {}, "'uniform' needs num_selected"),
    ('attack_frequency', {'num_selected': 3}, 'needs attack_frequency'),
    ('all', {'num_selected': 39}, 'takes all 40 clients; got num_selected=39'),
    ('all', {'attack_frequency': 0.5}, "'all' takes no attack_frequency"),
    (
      'uniform',
      {'num_selected': 3, 'num_malicious_selected': 1},
      "'uniform' takes no num_malicious_selected",
    ),
    ('uniform', {'num_selected': 41}, 'from 1 to the 40 clients; got 41'),
    ('uniform', {'num_selected': 0}, 'from 1 to the 40 clients; got 0'),
    (
      'fixed_malicious',
      {'num_selected': 20, 'num_malicious_selected': 9},
      'needs 9 malicious clients .* there are 8',
    ),
    (
      'fixed_malicious',
      {'num_selected': 2, 'num_malicious_selected': 3},
      'needs -1 honest clients',
    ),
    (
      'attack_frequency',
      {'num_selected': 33, 'attack_frequency': 0.5},
      'needs 33 honest clients .* there are 32',
    ),
  ],
)
def test_refuses_bad_input(scheme, options, message):
  with pytest.raises(ValueError, match=message):
    _select(scheme, **options)


def test_refuses_another_number_of_flags():
  with pytest.raises(ValueError, match=r'malicious must be bool \[40\]'):
    select('all', 1, 40, _MALICIOUS[1:], 0)


def test_holders_of_a_class():
  # Client 0 holds 3 and 1, client 1 nothing, client 2 two ones, client 3 a 2.
  y, offsets = np.array([3, 1, 1, 1, 2]), np.array([0, 2, 2, 4, 5])
  found = [holders(y, offsets, c).tolist() for c in ([1], [2, 3], [9])]
  assert found == [[0, 2], [0, 3], []]
