"""Calls to a worker that is there, hangs, or is something else."""

import os
import signal
from concurrent import futures

import grpc
import pytest
import remote_cases

from flsec.runtime import watched_channel


@pytest.fixture(scope='module')
def started():
  with remote_cases.workers(1) as (one,):
    yield one


def _open(target, answer_seconds=10.0):
  return watched_channel.WatchedChannel(target, answer_seconds)


def test_a_worker_gives_a_sign_of_life(started):
  channel = _open(started.target)
  assert channel.check() is None
  channel.close()


def test_a_stopped_worker_is_lost_and_a_continued_one_is_not(started):
  channel = _open(started.target, answer_seconds=0.5)
  os.kill(started.pid, signal.SIGSTOP)
  with pytest.raises(
    watched_channel.WorkerLostError,
    match=f'{started.target}: no answer within 0.5 s',
  ):
    channel.check()
  os.kill(started.pid, signal.SIGCONT)
  channel.close()

  channel = _open(started.target)
  assert channel.check() is None
  channel.close()


def test_another_server_is_not_taken_for_a_worker():
  server = grpc.server(futures.ThreadPoolExecutor(1))
  port = server.add_insecure_port('localhost:0')
  server.start()
  channel = _open(f'localhost:{port}')
  try:
    with pytest.raises(watched_channel.WorkerLostError, match='no TFF worker'):
      channel.check()
  finally:
    channel.close()
    server.stop(None)


@pytest.mark.parametrize(
  ('code', 'kind'),
  [
    (grpc.StatusCode.UNAVAILABLE, watched_channel.WorkerLostError),
    (grpc.StatusCode.FAILED_PRECONDITION, watched_channel.WorkerLostError),
    (grpc.StatusCode.INTERNAL, watched_channel.WorkerError),
    (grpc.StatusCode.RESOURCE_EXHAUSTED, watched_channel.WorkerError),
  ],
)
def test_what_a_code_says_of_the_worker(code, kind):
  with pytest.raises(watched_channel.WorkerError) as raised:
    _call(lambda limit: _fail(code))
  assert type(raised.value) is kind
  assert str(raised.value) == f'localhost:1: {code.name}: because'


def test_a_call_that_takes_long_goes_on_while_there_are_signs_of_life():
  waits = []

  def answer(limit):
    waits.append(limit)
    if len(waits) < 4:
      raise grpc.FutureTimeoutError
    return 'answer'

  checks = []
  assert _call(answer, check=lambda: checks.append(1)) == 'answer'
  assert (waits, len(checks)) == ([7.0] * 4, 3)


def test_a_closed_channel_ends_its_calls():
  def answer(limit):
    raise grpc.FutureCancelledError

  with pytest.raises(watched_channel.WorkerLostError, match='was closed'):
    _call(answer)


def test_a_lost_worker_is_not_asked_again():
  channel = _open('localhost:1')
  asked = []

  def answer(limit):
    asked.append(limit)
    _fail(grpc.StatusCode.UNAVAILABLE)

  for _ in range(3):
    with pytest.raises(watched_channel.WorkerLostError, match='UNAVAILABLE'):
      channel._call(_Method(answer), 'request')
  assert len(asked) == 1
  # Finalizers of values that were on it must not raise.
  dispose = channel._disposing(_Method(answer))
  assert dispose('request').ByteSize() == 0
  channel.close()


def _call(answer, check=None):
  channel = _open('localhost:1', answer_seconds=7.0)
  if check:
    channel.check = check
  try:
    return channel._call(_Method(answer), 'request')
  finally:
    channel.close()


class _Method:
  def __init__(self, answer):
    self.result = answer

  def future(self, request):
    assert request == 'request'
    return self

  def cancel(self):
    self.result = None


class _Failure(grpc.RpcError):
  def __init__(self, code):
    self.code = lambda: code
    self.details = lambda: 'because'


def _fail(code):
  raise _Failure(code)
