import numpy as np
import pytest
from crafting import craft, stack

from flsec import attacks

WORKED = np.array([[1.0], [-1.0], [2.0], [-2.0], [0.5]])


def _krum_winner(crafted, benign):
  rows = np.concatenate([crafted, benign]).astype(np.float64)
  squares = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
  np.fill_diagonal(squares, np.inf)
  neighbors = len(rows) - len(crafted) - 2
  return np.argmin(np.sort(squares, axis=1)[:, :neighbors].sum(axis=1))


def test_worked_example():
  crafted = craft('fang_krum', np.zeros((2, 1)), WORKED)
  np.testing.assert_allclose(crafted, [[-1.875], [-1.875]], rtol=1e-6)


def test_krum_picks_a_crafted_row_and_none_of_twice_the_size():
  benign = stack(20, 60, centre=0.1)
  crafted = craft('fang_krum', benign[:5], benign)
  assert _krum_winner(crafted, benign) < 5
  assert _krum_winner(crafted * 2, benign) >= 5
  size = np.abs(crafted[0]).max()
  np.testing.assert_allclose(crafted[0], -size * np.sign(benign.mean(axis=0)))
  assert size > 0.01


def test_the_direction_may_be_that_of_krums_pick():
  benign, own = stack(20, 60, centre=0.1), stack(5, 60, seed=1, centre=0.1)
  crafted = craft('fang_krum', own, benign, direction='krum')
  rows = np.concatenate([own, benign]).astype(np.float64)
  squares = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
  # 25 - 5 - 2 neighbours, after the row itself.
  scores = np.sort(squares, axis=1)[:, 1:19].sum(axis=1)
  pick = rows[scores.argmin()]
  size = np.abs(crafted[0]).max()
  np.testing.assert_allclose(crafted[0], -size * np.sign(pick), rtol=1e-6)
  assert np.any(np.sign(pick) != np.sign(benign.mean(axis=0)))
  assert _krum_winner(crafted, benign) < 5


def test_benign_rows_too_close_together_end_the_search():
  benign = 1 + 1e-4 * stack(20, 60)
  crafted = craft('fang_krum', benign[:3], benign, tolerance=1e-3)
  size = np.abs(crafted).max()
  assert 5e-4 <= size < 1e-3


def test_partial_knowledge_wins_against_the_own_rows():
  own = stack(8, 60, centre=0.1)
  crafted = craft('fang_krum', own, own, knowledge='partial')
  # One copy would have to win first; so the scale suits one at least.
  size = np.abs(crafted[0]).max()
  winners = [
    _krum_winner(np.tile(crafted[0], (copies, 1)), own) < copies
    for copies in range(1, 9)
  ]
  assert size > 1e-5 and any(winners)


def test_partial_knowledge_adds_copies_where_one_cannot_win():
  # One copy near 0 is too far from these; their own number makes it win.
  own = 1 + 0.3 * stack(6, 40, centre=0.0)
  crafted = craft('fang_krum', own, own, knowledge='partial')
  wins = [
    _krum_winner(np.tile(crafted[0], (copies, 1)), own) < copies
    for copies in range(1, 7)
  ]
  assert not wins[0] and wins[5]
  assert np.abs(crafted[0]).max() > 1e-3


def test_one_own_row_is_reversed():
  own = stack(1, 10)
  crafted = craft('fang_krum', own, own, knowledge='partial')
  np.testing.assert_array_equal(np.sign(crafted), -np.sign(own))


def test_a_radius_scatters_all_but_the_first():
  same = craft('fang_krum', np.zeros((50, 1)), WORKED)
  crafted = craft('fang_krum', np.zeros((50, 1)), WORKED, radius=0.01)
  offsets = np.abs(crafted - same)[:, 0]
  assert offsets[0] == 0
  assert (offsets[1:] > 0).all() and offsets.max() <= 0.01 + 1e-6
  assert offsets.max() > 0.008


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'tolerance': 0.0}, r'fang_krum needs a finite tolerance > 0; got 0'),
    ({'radius': -1.0}, r'fang_krum needs a finite radius >= 0; got -1'),
    (
      {'direction': 'median'},
      "direction must be one of mean, krum; got 'median",
    ),
  ],
)
def test_bad_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    attacks.build('fang_krum', **options)
