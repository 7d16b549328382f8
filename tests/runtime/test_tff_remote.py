"""Rounds on TFF workers of other processes, some of which fail."""

import logging
import signal
import threading

import numpy as np
import pytest
import remote_cases
import tiny_federation as tiny

from flsec.runtime import (
  executors,
  graph_function,
  in_process,
  tff_remote,
)

CASES = {
  'stack': ('server.aggregator=median',),
  'stream': ('server.aggregator=mean',),
  'slots': ('clients.optimizer.persistent=true', 'clients.momentum=0.5'),
}


@pytest.fixture(scope='module')
def pair():
  with remote_cases.workers(2) as started:
    yield started


@pytest.fixture(scope='module')
def stack_case():
  return remote_cases.case(*CASES['stack'])


@pytest.fixture(scope='module')
def expected(stack_case):
  return _local_round(stack_case)


def _remote(case, started, **options):
  targets = [one.target for one in started]
  return tff_remote.TffRemote(case.process, workers=targets, **options)


def _round(runtime, case, state=None):
  if state is None:
    state = runtime.initialize()
  return runtime.next(state, case.clients)


def _local_round(case):
  with in_process.InProcess(case.process, num_threads=2) as runtime:
    return _round(runtime, case)


def _assert_close(state, other):
  tiny.assert_close(state, other, steps=10, step_length=28 * 28)


@pytest.mark.parametrize('name', ['stream', 'slots'])
def test_a_round_is_that_of_in_process(pair, name):
  case = remote_cases.case(*CASES[name])
  with _remote(case, pair) as runtime:
    state, metrics = _round(runtime, case)
  local_state, local_metrics = _local_round(case)

  _assert_close(state, local_state)
  assert list(metrics) == list(local_metrics)
  np.testing.assert_array_equal(metrics['client_id'], np.arange(10))
  _assert_close(metrics['loss'], local_metrics['loss'])


def test_no_bit_depends_on_the_number_of_workers_with_a_stack(
  pair, stack_case, expected
):
  results = []
  for started in (pair[:1], pair):
    with _remote(stack_case, started) as runtime:
      state, metrics = _round(runtime, stack_case)
      # State goes in as it comes out.
      state, metrics = _round(runtime, stack_case, state)
    results.append(np.asarray(state['weights']))
    assert int(state['round']) == 2
    np.testing.assert_array_equal(metrics['client_id'], np.arange(10))

  np.testing.assert_array_equal(results[0], results[1])
  assert np.abs(results[0] - np.asarray(expected[0]['weights'])).max() > 1e-4


@pytest.mark.parametrize(
  ('number', 'answer_seconds'),
  [
    # A worker that is killed: by default, in the next test.
    pytest.param(signal.SIGKILL, 30.0, marks=pytest.mark.slow),
    (signal.SIGSTOP, 2.0),
  ],
)
def test_the_others_take_over_from_a_worker_that_fails_in_mid_round(
  stack_case, expected, monkeypatch, caplog, number, answer_seconds
):
  with remote_cases.workers(2) as started:
    # The first: it has a share before the other can have done all of them.
    hit = remote_cases.signal_during(monkeypatch, started[:1], number)
    with (
      caplog.at_level(logging.WARNING),
      _remote(stack_case, started, answer_seconds=answer_seconds) as runtime,
    ):
      state, metrics = _round(runtime, stack_case)
      _round(runtime, stack_case, state)  # The next one does without it.

  assert hit == [started[0].target]
  _assert_close(state, expected[0])
  np.testing.assert_array_equal(metrics['client_id'], np.arange(10))
  (message,) = [r.getMessage() for r in caplog.records if 'TFF' in r.msg]
  assert started[0].target in message
  assert 'attempt 1 of 1, runtime.retries' in message


def test_a_sum_keeps_every_bit_when_a_worker_fails(pair, monkeypatch):
  case = remote_cases.case(*CASES['stream'])
  with _remote(case, pair) as runtime:
    whole = _round(runtime, case)[0]['weights']
  with remote_cases.workers(1) as (victim,):
    remote_cases.signal_during(monkeypatch, [victim], signal.SIGKILL)
    with _remote(case, [victim, pair[0]]) as runtime:
      weights = _round(runtime, case)[0]['weights']

  np.testing.assert_array_equal(whole, weights)


def test_more_failures_than_retries_end_the_run(pair, stack_case, monkeypatch):
  with remote_cases.workers(1) as (victim,):
    remote_cases.signal_during(monkeypatch, [victim], signal.SIGKILL)
    with (
      _remote(stack_case, [victim, pair[0]], retries=0) as runtime,
      pytest.raises(ConnectionError) as raised,
    ):
      _round(runtime, stack_case)

  message = str(raised.value)
  assert victim.target in message
  assert 'runtime.retries is 0' in message
  assert 'Finished rounds are kept' in message


def test_without_any_worker_the_run_ends_and_says_how_to_go_on(
  stack_case, monkeypatch
):
  with remote_cases.workers(2) as started:
    remote_cases.signal_during(monkeypatch, started, signal.SIGKILL)
    with _remote(stack_case, started, retries=5) as runtime:
      for _ in range(2):  # A second try says the same.
        with pytest.raises(ConnectionError) as raised:
          _round(runtime, stack_case)

  message = str(raised.value)
  assert 'No TFF worker is left' in message
  assert all(one.target in message for one in started)
  assert '`flsec worker --port=PORT`' in message
  assert 'the same command goes on' in message


def test_closing_leaves_no_thread_of_its_own(pair, stack_case):
  with _remote(stack_case, pair) as runtime:
    _round(runtime, stack_case)
    assert _threads()
  assert not _threads()


def _threads():
  return [t for t in threading.enumerate() if t.name.startswith('flsec-')]


def test_shares_are_small_enough_for_a_message(
  pair, stack_case, monkeypatch, expected
):
  with _remote(stack_case, pair) as runtime:
    broadcast = runtime._parts['prepare'](
      *graph_function.flatten(runtime.initialize())
    )
    assert runtime._num_shares(stack_case.clients, broadcast) == 8
    stack_bytes = 10 * expected[0]['weights'].shape[0] * 4
    monkeypatch.setattr(tff_remote, '_SHARE_BYTES', stack_bytes // 9)
    assert runtime._num_shares(stack_case.clients, broadcast) == 10

    monkeypatch.setattr(executors, 'MAX_MESSAGE_BYTES', stack_bytes // 10 - 1)
    with pytest.raises(ValueError, match='one client of this experiment'):
      _round(runtime, stack_case)
