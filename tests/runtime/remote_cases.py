"""What the tests of remote workers share: workers, and a small experiment."""

import contextlib
import dataclasses
import os
import pathlib
import signal
from collections.abc import Iterator
from typing import Any

import numpy as np

from flsec.config import loading
from flsec.experiment import assembly, client_pool
from flsec.federated import process
from flsec.runtime import watched_channel, worker

QUICKSTART = pathlib.Path('experiments/quickstart.yaml')


@dataclasses.dataclass(frozen=True)
class Case:
  """A process and its clients."""

  process: Any
  clients: list[Any]


def case(*sets: str) -> Case:
  """Builds the quickstart, made smaller and changed."""
  small = (
    'clients.num_clients=10',
    'clients.epochs=1',
    'attack.num_byzantine=2',
    'attack.start_round=1',
  )
  (cell,) = loading.load_cells(
    str(QUICKSTART), sets=[*small, *sets], sweeps=[], plugins=[], seed=None
  )
  assembled = assembly.assemble(cell.experiment, '')
  pool = client_pool.ClientPool(
    assembled.federation, assembled.malicious, cell.experiment.seed
  )
  return Case(
    process.build_process(assembled.plan), pool.structs(np.arange(10))
  )


@contextlib.contextmanager
def workers(number: int) -> Iterator[list[worker.Worker]]:
  """Starts workers on this machine, and ends them."""
  with contextlib.ExitStack() as stack:
    started = []
    for _ in range(number):
      one = worker.Worker()
      stack.callback(one.close)
      stack.callback(_continue, one)
      started.append(one)
    yield started


def _continue(one: worker.Worker) -> None:
  # A stopped process cannot be terminated.
  with contextlib.suppress(ProcessLookupError):
    os.kill(one.pid, signal.SIGCONT)


def signal_during(monkeypatch, victims, number: signal.Signals) -> list[str]:
  """Sends a signal to workers that are to compute; returns what was hit."""
  pids = {one.target: one.pid for one in victims}
  hit = []
  send = watched_channel.WatchedChannel._call

  def call(channel, method, request):
    if channel.target in pids and type(request).__name__ == 'ComputeRequest':
      method = _Then(method, pids.pop(channel.target), number)
      hit.append(channel.target)
    return send(channel, method, request)

  monkeypatch.setattr(watched_channel.WatchedChannel, '_call', call)
  return hit


class _Then:
  """A gRPC method after whose call, before its answer, a signal is sent.

  The process is stopped before the call: on a busy machine its answer could
  else be here before the signal is sent.
  """

  def __init__(self, method: Any, pid: int, number: signal.Signals):
    self._method, self._pid, self._number = method, pid, number

  def future(self, request: Any) -> Any:
    os.kill(self._pid, signal.SIGSTOP)
    answer = self._method.future(request)
    os.kill(self._pid, self._number)
    return answer
