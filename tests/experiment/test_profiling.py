"""Tests of the profile of a few rounds."""

import pytest
import tensorflow as tf

from flsec.experiment import profiling


@pytest.fixture
def calls(monkeypatch):
  made = []
  profiler = tf.profiler.experimental
  monkeypatch.setattr(profiler, 'start', lambda path: made.append('start'))
  monkeypatch.setattr(
    profiler, 'stop', lambda save=True: made.append(f'stop {save}')
  )
  return made


def _rounds(directory, count):
  for number in range(1, count + 1):
    with profiling.profiled(directory, number):
      pass


def test_second_and_third_round_are_profiled(calls, tmp_path):
  _rounds(tmp_path, 5)
  assert calls == ['start', 'stop True']


def test_no_directory_no_profile(calls):
  _rounds(None, 5)
  assert calls == []


def test_an_error_ends_the_profile(calls, tmp_path):
  with pytest.raises(RuntimeError), profiling.profiled(tmp_path, 2):
    raise RuntimeError
  assert calls == ['start', 'stop False']


def test_a_real_profile_is_written(tmp_path):
  for number in range(1, 4):
    with profiling.profiled(tmp_path, number):
      tf.reduce_sum(tf.ones([8, 8]))
  assert list(tmp_path.rglob('*.xplane.pb'))
