"""Checkpoints that were damaged, or made by something else."""

import json
import pathlib
import pickle
import zipfile

import numpy as np
import pytest
from absl import logging
from saved_state import assert_same, damage, some_state

from flsec.experiment import checkpoint


class TestDamage:
  @pytest.mark.parametrize(
    'kind', ['empty', 'cut', 'flipped bit', 'no checkpoint']
  )
  def test_the_one_before_is_taken(self, tmp_path, monkeypatch, kind):
    warnings = []
    monkeypatch.setattr(
      logging, 'warning', lambda text, *args: warnings.append(text % args)
    )
    checkpoint.save(tmp_path, 6, some_state())
    damage(checkpoint.save(tmp_path, 7, some_state(1)), kind)
    round_number, state = checkpoint.restore(tmp_path, some_state())
    assert round_number == 6
    assert_same(state, some_state())
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
