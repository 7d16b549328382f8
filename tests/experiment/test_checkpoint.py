"""A state comes back exactly, or the one before does, or a clear refusal."""

import numpy as np
import pytest
from saved_state import assert_same, damage, some_state

from flsec.experiment import checkpoint


class TestRoundTrip:
  def test_state_comes_back_exactly(self, tmp_path):
    checkpoint.save(tmp_path, 7, some_state())
    round_number, state = checkpoint.restore(tmp_path, some_state(offset=1))
    assert round_number == 7
    assert_same(state, some_state())

  def test_keys_that_would_share_a_joined_path_stay_apart(self, tmp_path):
    state = {'a': {'b': np.float32(1)}, 'a/b': np.float32(2)}
    checkpoint.save(tmp_path, 1, state)
    assert_same(checkpoint.restore(tmp_path, state)[1], state)

  def test_more_than_ten_leaves_keep_their_order(self, tmp_path):
    state = [np.int32(i) for i in range(123)]
    checkpoint.save(tmp_path, 1, state)
    assert_same(checkpoint.restore(tmp_path, state)[1], state)

  def test_an_attrs_class(self, tmp_path):
    attr = pytest.importorskip('attr')
    state_class = attr.make_class('State', ['weights', 'rule'])
    state = state_class(np.ones(2, np.float32), ())
    checkpoint.save(tmp_path, 1, state)
    _, found = checkpoint.restore(tmp_path, state)
    assert isinstance(found, state_class) and found.rule == ()
    np.testing.assert_array_equal(found.weights, [1, 1])

  def test_a_single_array(self, tmp_path):
    checkpoint.save(tmp_path, 1, np.arange(3))
    assert_same(checkpoint.restore(tmp_path, np.zeros(3, int))[1], np.arange(3))

  def test_no_checkpoint(self, tmp_path):
    assert checkpoint.restore(tmp_path, some_state()) is None
    assert checkpoint.restore(tmp_path / 'nowhere', some_state()) is None

  def test_the_same_state_gives_the_same_arrays_on_disk(self, tmp_path):
    first = checkpoint.save(tmp_path / 'a', 3, some_state())
    second = checkpoint.save(tmp_path / 'b', 3, some_state())
    with np.load(first) as one, np.load(second) as other:
      assert one['manifest'].tobytes() == other['manifest'].tobytes()


class TestKept:
  def _rounds(self, folder):
    return sorted(int(p.stem[6:]) for p in folder.glob('round_*.npz'))

  def test_the_last_two_stay(self, tmp_path):
    for round_number in (1, 2, 3, 11):
      checkpoint.save(tmp_path, round_number, some_state())
    assert self._rounds(tmp_path) == [3, 11]

  def test_rounds_are_compared_as_numbers(self, tmp_path):
    for round_number in (999_999, 1_000_000):
      checkpoint.save(tmp_path, round_number, np.int64(round_number))
    assert checkpoint.restore(tmp_path, np.int64(0))[0] == 1_000_000

  def test_a_damaged_later_one_costs_no_good_one(self, tmp_path):
    for round_number in (1, 2, 3):
      checkpoint.save(tmp_path, round_number, some_state())
    damage(tmp_path / 'round_000003.npz', 'cut')
    checkpoint.save(tmp_path, 2, some_state())
    assert checkpoint.restore(tmp_path, some_state())[0] == 2

  def test_older_ones_go_only_after_the_new_one_is_there(
    self, tmp_path, monkeypatch
  ):
    for round_number in (1, 2):
      checkpoint.save(tmp_path, round_number, some_state())

    def fail(*_):
      raise OSError('No space left on device')

    monkeypatch.setattr(checkpoint.atomic_file.os, 'replace', fail)
    with pytest.raises(OSError, match='No space'):
      checkpoint.save(tmp_path, 3, some_state())
    assert self._rounds(tmp_path) == [1, 2]
    assert checkpoint.restore(tmp_path, some_state())[0] == 2

  def test_keeping_none_is_refused(self, tmp_path):
    with pytest.raises(ValueError, match='at least 1'):
      checkpoint.save(tmp_path, 1, some_state(), keep=0)


class TestRefusals:
  @pytest.mark.parametrize(
    ('template', 'message'),
    [
      ({'w': np.ones(3, np.float32)}, r'w is float32\[4\], not float32\[3\]'),
      ({'w': np.ones(4)}, r'w is float32\[4\], not float64\[4\]'),
      ({'v': np.ones(4, np.float32)}, 'v is missing'),
      ({}, 'w is not known here'),
      ({'w': (np.ones(4, np.float32),)}, 'w/0 is missing'),
    ],
  )
  def test_another_structure(self, tmp_path, template, message):
    checkpoint.save(tmp_path, 1, {'w': np.ones(4, np.float32)})
    with pytest.raises(checkpoint.CheckpointError, match=message):
      checkpoint.restore(tmp_path, template)

  @pytest.mark.parametrize('leaf', [object(), np.array([None]), {1, 2}])
  def test_a_leaf_that_would_be_pickled(self, tmp_path, leaf):
    with pytest.raises(TypeError, match='at rule/0 is a'):
      checkpoint.save(tmp_path, 1, {'rule': (leaf,)})
    assert list(tmp_path.iterdir()) == []

  def test_a_key_that_is_no_string(self, tmp_path):
    with pytest.raises(TypeError, match='must be strings; got 3'):
      checkpoint.save(tmp_path, 1, {3: np.ones(1)})

  def test_another_format(self, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, '_FORMAT', 2)
    checkpoint.save(tmp_path, 1, np.int64(1))
    monkeypatch.undo()
    with pytest.raises(checkpoint.CheckpointError, match='has format 2'):
      checkpoint.restore(tmp_path, np.int64(1))
