"""A state comes back exactly, or the one before does, or a clear refusal."""

import collections
import dataclasses
import json
import pathlib
import pickle
import zipfile

import numpy as np
import pytest
from absl import logging

from flsec.experiment import checkpoint

Pair = collections.namedtuple('Pair', ['first', 'second'])


@dataclasses.dataclass(frozen=True)
class Record:
  weights: np.ndarray
  rule: tuple


def _state(offset=0):
  return {
    'weights': np.linspace(0, 1, 7, dtype=np.float32) + np.float32(offset),
    'seed': np.array([2**62 + 1, -1], np.int64),
    'round': np.int32(7 + offset),
    'rule': (),
    'attack': (np.float64(0.1), [np.array([True, False])]),
    'a/b': {'': np.zeros([0, 3], np.uint8), '0': np.float32(np.nan)},
    'pair': Pair(1.5, None),
    'record': Record(np.array(3, np.int16), (np.array(['x', 'yz']),)),
    'text': 'median',
    'flag': True,
    'count': 2**40,
  }


def _assert_same(found, expected):
  assert type(found) is type(expected)
  if isinstance(expected, dict):
    assert list(found) == list(expected)
    for key in expected:
      _assert_same(found[key], expected[key])
  elif isinstance(expected, (list, tuple)):
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
      _assert_same(one, other)
  elif dataclasses.is_dataclass(expected):
    _assert_same(vars(found), vars(expected))
  elif isinstance(expected, (np.ndarray, np.generic)):
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()
  else:
    assert found == expected


def _damage(path, kind):
  data = bytearray(path.read_bytes())
  if kind == 'empty':
    data = b''
  elif kind == 'cut':
    data = data[: len(data) // 2]
  elif kind == 'flipped bit':
    data[data.index(b'\x93NUMPY') + 130] ^= 1
  elif kind == 'no checkpoint':
    data = b'hello'
  path.write_bytes(data)


class TestRoundTrip:
  def test_state_comes_back_exactly(self, tmp_path):
    checkpoint.save(tmp_path, 7, _state())
    round_number, state = checkpoint.restore(tmp_path, _state(offset=1))
    assert round_number == 7
    _assert_same(state, _state())

  def test_keys_that_would_share_a_joined_path_stay_apart(self, tmp_path):
    state = {'a': {'b': np.float32(1)}, 'a/b': np.float32(2)}
    checkpoint.save(tmp_path, 1, state)
    _assert_same(checkpoint.restore(tmp_path, state)[1], state)

  def test_more_than_ten_leaves_keep_their_order(self, tmp_path):
    state = [np.int32(i) for i in range(123)]
    checkpoint.save(tmp_path, 1, state)
    _assert_same(checkpoint.restore(tmp_path, state)[1], state)

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
    _assert_same(
      checkpoint.restore(tmp_path, np.zeros(3, int))[1], np.arange(3)
    )

  def test_no_checkpoint(self, tmp_path):
    assert checkpoint.restore(tmp_path, _state()) is None
    assert checkpoint.restore(tmp_path / 'nowhere', _state()) is None

  def test_the_same_state_gives_the_same_arrays_on_disk(self, tmp_path):
    first = checkpoint.save(tmp_path / 'a', 3, _state())
    second = checkpoint.save(tmp_path / 'b', 3, _state())
    with np.load(first) as one, np.load(second) as other:
      assert one['manifest'].tobytes() == other['manifest'].tobytes()


class TestKept:
  def _rounds(self, folder):
    return sorted(int(p.stem[6:]) for p in folder.glob('round_*.npz'))

  def test_the_last_two_stay(self, tmp_path):
    for round_number in (1, 2, 3, 11):
      checkpoint.save(tmp_path, round_number, _state())
    assert self._rounds(tmp_path) == [3, 11]

  def test_rounds_are_compared_as_numbers(self, tmp_path):
    for round_number in (999_999, 1_000_000):
      checkpoint.save(tmp_path, round_number, np.int64(round_number))
    assert checkpoint.restore(tmp_path, np.int64(0))[0] == 1_000_000

  def test_a_damaged_later_one_costs_no_good_one(self, tmp_path):
    for round_number in (1, 2, 3):
      checkpoint.save(tmp_path, round_number, _state())
    _damage(tmp_path / 'round_000003.npz', 'cut')
    checkpoint.save(tmp_path, 2, _state())
    assert checkpoint.restore(tmp_path, _state())[0] == 2

  def test_older_ones_go_only_after_the_new_one_is_there(
    self, tmp_path, monkeypatch
  ):
    for round_number in (1, 2):
      checkpoint.save(tmp_path, round_number, _state())

    def fail(*_):
      raise OSError('No space left on device')

    monkeypatch.setattr(checkpoint.atomic_file.os, 'replace', fail)
    with pytest.raises(OSError, match='No space'):
      checkpoint.save(tmp_path, 3, _state())
    assert self._rounds(tmp_path) == [1, 2]
    assert checkpoint.restore(tmp_path, _state())[0] == 2

  def test_keeping_none_is_refused(self, tmp_path):
    with pytest.raises(ValueError, match='at least 1'):
      checkpoint.save(tmp_path, 1, _state(), keep=0)


class TestDamage:
  @pytest.mark.parametrize(
    'kind', ['empty', 'cut', 'flipped bit', 'no checkpoint']
  )
  def test_the_one_before_is_taken(self, tmp_path, monkeypatch, kind):
    warnings = []
    monkeypatch.setattr(
      logging, 'warning', lambda text, *args: warnings.append(text % args)
    )
    checkpoint.save(tmp_path, 6, _state())
    _damage(checkpoint.save(tmp_path, 7, _state(1)), kind)
    round_number, state = checkpoint.restore(tmp_path, _state())
    assert round_number == 6
    _assert_same(state, _state())
    (warning,) = warnings
    assert 'round_000007.npz is damaged' in warning

  def test_any_cut_is_noticed(self, tmp_path):
    path = checkpoint.save(tmp_path, 7, {'w': np.arange(4, dtype=np.float32)})
    data = path.read_bytes()
    for length in range(0, len(data), 37):
      path.write_bytes(data[:length])
      with pytest.raises(checkpoint.CheckpointError, match='None of the 1'):
        checkpoint.restore(tmp_path, {'w': np.zeros(4, np.float32)})

  def test_a_whole_archive_with_other_bytes(self, tmp_path):
    path = checkpoint.save(tmp_path, 7, {'w': np.ones(4, np.float32)})
    with np.load(path) as archive:
      arrays = dict(archive)
    arrays['leaf_00000'][2] = 5
    np.savez(path, **arrays)
    with pytest.raises(checkpoint.CheckpointError, match='is whole'):
      checkpoint.restore(tmp_path, {'w': np.ones(4, np.float32)})

  def test_a_file_that_was_never_renamed_is_ignored(self, tmp_path):
    checkpoint.save(tmp_path, 6, np.int64(6))
    (tmp_path / 'round_000007.npz.partial').write_bytes(b'half')
    assert checkpoint.restore(tmp_path, np.int64(0))[0] == 6

  def test_pickles_are_not_loaded(self, tmp_path):
    class Bomb:
      def __reduce__(self):
        return (pathlib.Path.touch, (tmp_path / 'exploded',))

    path = checkpoint.save(tmp_path, 1, np.int64(1))
    with zipfile.ZipFile(path, 'w') as archive:
      archive.writestr('manifest.npy', pickle.dumps(Bomb()))
    with pytest.raises(checkpoint.CheckpointError):
      checkpoint.restore(tmp_path, np.int64(0))
    assert not (tmp_path / 'exploded').exists()


class TestForeignBytes:
  """Whatever a file makes a parser raise, the one before it is taken."""

  def restored(self, folder):
    return checkpoint.restore(folder, {'w': np.zeros(4, np.float32)})

  @pytest.fixture
  def path(self, tmp_path):
    """A checkpoint of round 7, with one of round 6 before it."""
    for round_number in (6, 7):
      state = {'w': np.full(4, round_number, np.float32)}
      path = checkpoint.save(tmp_path, round_number, state)
    return path

  @pytest.mark.parametrize(
    'error',
    [NotImplementedError, RuntimeError, TypeError, MemoryError, RecursionError],
  )
  def test_any_error_means_damage(self, path, monkeypatch, error):
    load = np.load

    def explode(name, **options):
      if str(name) == str(path):
        raise error('odd\nlines')
      return load(name, **options)

    monkeypatch.setattr(np, 'load', explode)
    assert self.restored(path.parent)[0] == 6

  def rewrite(self, path, change):
    with np.load(path) as archive:
      arrays = dict(archive)
    manifest = json.loads(arrays['manifest'].tobytes())
    manifest = change(manifest, arrays) or manifest
    text = json.dumps(manifest).encode()
    arrays['manifest'] = np.frombuffer(text, np.uint8)
    np.savez(path, **arrays)

  @pytest.mark.parametrize(
    'change',
    [
      lambda manifest, arrays: manifest.update(round=6),
      lambda manifest, arrays: manifest.update(paths=[['v']]),
      lambda manifest, arrays: manifest.update(paths=[[['w']]]),
      lambda manifest, arrays: manifest.update(paths=3),
      lambda manifest, arrays: manifest.update(sha256=None),
      lambda manifest, arrays: manifest.pop('round'),
      lambda manifest, arrays: [manifest],
      lambda manifest, arrays: arrays.update(leaf_00001=np.zeros(1)),
      lambda manifest, arrays: arrays.pop('leaf_00000') is None,
    ],
  )
  def test_the_checksum_covers_the_manifest(self, path, change):
    def keep_manifest(manifest, arrays):
      found = change(manifest, arrays)
      return found if isinstance(found, list) else None

    self.rewrite(path, keep_manifest)
    assert self.restored(path.parent)[0] == 6

  def test_a_file_of_another_round(self, path):
    path.write_bytes((path.parent / 'round_000006.npz').read_bytes())
    assert self.restored(path.parent)[0] == 6

  def test_a_bomb_is_not_unpacked(self, path):
    with np.load(path) as archive:
      arrays = dict(archive)
    np.savez_compressed(path, **arrays, zeros=np.zeros(2**20))
    assert self.restored(path.parent)[0] == 6

  def test_no_flipped_bytes_raise_anything(self, path):
    generator = np.random.default_rng(0)
    whole = path.read_bytes()
    for _ in range(300):
      damaged = bytearray(whole)
      for place in generator.integers(len(whole), size=3):
        damaged[place] = generator.integers(256)
      path.write_bytes(damaged)
      round_number, state = self.restored(path.parent)
      np.testing.assert_array_equal(state['w'], np.full(4, round_number))

  def test_rounds_without_their_rows_are_passed_over(self, path):
    state = {'w': np.zeros(4, np.float32)}
    restore = lambda last: checkpoint.restore(
      path.parent, state, last_round=last
    )
    assert [restore(last)[0] for last in (6, 7, 8)] == [6, 7, 7]
    with pytest.raises(
      checkpoint.CheckpointError,
      match=r'rows of metrics\.jsonl are whole up to',
    ):
      restore(5)


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
