"""Which worker runs what, and what a failure costs."""

import contextlib
import socket

import numpy as np
import pytest
import remote_cases
import tensorflow as tf
import tensorflow_federated as tff

from flsec.runtime import fleet, watched_channel

COMPILE = tff.backends.native.transform_to_native_form


@tff.tensorflow.computation(np.int32)
def reciprocal(x):
  with tf.control_dependencies([tf.debugging.assert_positive(x)]):
    return 1.0 / tf.cast(x, tf.float32)


@contextlib.contextmanager
def _open(targets, **options):
  opened = fleet.Fleet(targets, COMPILE, **{'retries': 1, **options})
  try:
    yield opened
  finally:
    opened.close()


@pytest.fixture(scope='module')
def only():
  with remote_cases.workers(1) as (started,):
    yield started.target


def test_a_computation_comes_back_from_a_worker(only):
  with _open([only]) as opened:
    assert len(opened) == 1
    assert opened.run(reciprocal, 4) == 0.25


def test_a_computation_that_fails_is_no_failure_of_the_worker(only):
  with _open([only]) as opened:
    with pytest.raises(ValueError, match=f'TFF worker {only}: '):
      opened.run(reciprocal, -1)
    assert len(opened) == 1
    assert opened.run(reciprocal, 2) == 0.5


def test_a_worker_that_nobody_started_is_named_before_the_first_round(only):
  with socket.create_server(('localhost', 0)) as server:
    absent = f'localhost:{server.getsockname()[1]}'
  with pytest.raises(fleet.WorkersLostError) as raised, _open([only, absent]):
    pass
  message = str(raised.value)
  assert message.startswith('1 of 2 runtime.workers do not answer: ' + absent)
  assert 'UNAVAILABLE' in message
  assert '`flsec worker --port=PORT`' in message
  assert f'{only}:' not in message


def test_a_port_that_never_answers_is_named(only):
  with socket.create_server(('localhost', 0)) as silent:
    target = f'localhost:{silent.getsockname()[1]}'
    with (
      pytest.raises(
        fleet.WorkersLostError, match=f'{target}: no answer within'
      ),
      _open([only, target], answer_seconds=0.5),
    ):
      pass


class _Fake:
  """A worker that fails the first so many times, or counts."""

  def __init__(self, target, failures=0):
    self.target, self.failures = target, failures
    self.num_running, self.runs = 0, []

  def run(self, computation, argument):
    del computation
    if self.failures:
      self.failures -= 1
      raise watched_channel.WorkerLostError(f'{self.target}: gone')
    self.runs.append(argument)
    return self.target


def _fakes(only, workers, **options):
  opened = fleet.Fleet([only], COMPILE, **{'retries': 1, **options})
  opened.close()
  opened._workers = workers
  return opened


def test_a_lost_worker_gets_nothing_more(only):
  lost, kept = _Fake('a:1', failures=1), _Fake('b:2')
  opened = _fakes(only, [lost, kept])

  assert opened.run(None, 'x') == 'b:2'
  assert opened.run(None, 'y') == 'b:2'
  assert (lost.runs, kept.runs) == ([], ['x', 'y'])


def test_retries_count_anew_in_each_round(only):
  first, second, kept = _Fake('a:1', 1), _Fake('b:2', 1), _Fake('c:3')
  opened = _fakes(only, [first, second, kept])
  with pytest.raises(fleet.WorkersLostError, match=r'2 TFF workers failed'):
    opened.run(None, 'x')

  first, second = _Fake('a:1', 1), _Fake('b:2', 1)
  opened = _fakes(only, [first, kept])
  opened.start_round()
  assert opened.run(None, 'x') == 'c:3'
  opened._workers.insert(0, second)
  opened.start_round()
  assert opened.run(None, 'y') == 'c:3'


def test_the_worker_with_the_least_to_do_is_next(only):
  busy, idle = _Fake('a:1'), _Fake('b:2')
  busy.num_running = 2
  opened = _fakes(only, [busy, idle])
  assert opened.run(None, 'x') == 'b:2'
  assert (busy.num_running, idle.num_running) == (2, 0)
