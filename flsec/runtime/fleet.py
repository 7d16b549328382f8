"""TFF workers on many machines, and what happens when one of them fails."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any, Callable

import tensorflow_federated as tff
from absl import logging

from flsec.runtime import executors, watched_channel


class WorkersLostError(ConnectionError):
  """Too few workers are left for a round; says how to go on."""


class RemoteWorker:
  """One worker; computations are run by TFF's own remote executor."""

  def __init__(
    self, target: str, compile_once: Callable[..., Any], answer_seconds: float
  ):
    self.target = target
    self.num_running = 0
    self.channel = watched_channel.WatchedChannel(target, answer_seconds)
    self._context = tff.framework.AsyncExecutionContext(
      executor_fn=executors.executor_factory(self.channel),
      compiler_fn=compile_once,
      transform_args=tff.tensorflow.transform_args,
      transform_result=tff.tensorflow.transform_result,
    )

  def run(self, computation: tff.Computation, argument: Any) -> Any:
    """Runs a computation; its result comes back to this process."""
    return asyncio.run(self._context.invoke(computation, argument))


class Fleet:
  """The workers that answer.

  A worker that fails is left out for the rest of the run; what it was doing is
  done again by another one.
  """

  def __init__(
    self,
    targets: Sequence[str],
    compile_once: Callable[..., Any],
    *,
    retries: int,
    answer_seconds: float = watched_channel.ANSWER_SECONDS,
  ):
    """Connects to the workers and asks each for a sign of life.

    Args:
      targets: `host:port` of each.
      compile_once: compiles a computation for TFF's worker.
      retries: workers that may fail in one round.
      answer_seconds: what a sign of life may take.

    Raises:
      WorkersLostError: a worker does not answer.
    """
    self._retries = retries
    self._num_failed = 0
    self._lost: list[str] = []
    self._changed = threading.Lock()
    self._workers = [
      RemoteWorker(target, compile_once, answer_seconds) for target in targets
    ]
    self._every = list(self._workers)
    try:
      self._check()
    except BaseException:
      self.close()
      raise

  def __len__(self) -> int:
    return len(self._workers)

  def start_round(self) -> None:
    """Forgives the failures of earlier rounds.

    Raises:
      WorkersLostError: no worker is left.
    """
    self._num_failed = 0
    if not self._workers:
      raise WorkersLostError(self._none_left())

  def run(self, computation: tff.Computation, argument: Any) -> Any:
    """Runs a computation on the worker with the least to do.

    Raises:
      WorkersLostError: no worker is left, or more of them failed than
        `retries` allows.
      ValueError: the computation itself failed.
    """
    while True:
      with self._least_busy() as chosen:
        try:
          return chosen.run(computation, argument)
        except watched_channel.WorkerLostError as error:
          self._lose(chosen, error)
        except watched_channel.WorkerError as error:
          raise ValueError(f'TFF worker {error}') from error

  def close(self) -> None:
    """Closes every connection; calls that are under way fail."""
    with self._changed:
      self._workers = []  # Nobody takes over what is interrupted here.
    for one in self._every:
      one.channel.close()

  def _check(self) -> None:
    def problem(one: RemoteWorker) -> str:
      try:
        one.channel.check()
      except watched_channel.WorkerLostError as error:
        return str(error)
      return ''

    with futures.ThreadPoolExecutor(len(self._workers)) as pool:
      problems = list(filter(None, pool.map(problem, self._workers)))
    if problems:
      raise WorkersLostError(
        f'{len(problems)} of {len(self._workers)} runtime.workers do not '
        f'answer: {"; ".join(problems)}. Start a worker there by `flsec worker '
        '--port=PORT` (docs/remote.md), or take it off the list.'
      )

  @contextlib.contextmanager
  def _least_busy(self) -> Iterator[RemoteWorker]:
    with self._changed:
      if not self._workers:
        raise WorkersLostError(self._none_left())
      chosen = min(self._workers, key=lambda one: one.num_running)
      chosen.num_running += 1
    try:
      yield chosen
    finally:
      with self._changed:
        chosen.num_running -= 1

  def _lose(self, lost: RemoteWorker, error: Exception) -> None:
    """Leaves a worker out; raises where the round cannot go on."""
    with self._changed:
      if lost not in self._workers:
        return  # It failed in several places at once.
      self._workers.remove(lost)
      self._num_failed += 1
      self._lost.append(str(error))
      if not self._workers:
        raise WorkersLostError(self._none_left()) from error
      if self._num_failed > self._retries:
        raise WorkersLostError(
          f'{self._num_failed} TFF workers failed in one round, and '
          f'runtime.retries is {self._retries}: {"; ".join(self._lost)}. '
          f'{_RESUME}'
        ) from error
      logging.warning(
        'TFF worker failed: %s. Its clients go to the %d workers that remain '
        '(attempt %d of %d, runtime.retries).',
        error,
        len(self._workers),
        self._num_failed,
        self._retries,
      )

  def _none_left(self) -> str:
    return (
      f'No TFF worker is left (runtime.workers): {"; ".join(self._lost)}. '
      f'{_RESUME}'
    )


_RESUME = (
  'Finished rounds are kept: start the workers again (`flsec worker '
  '--port=PORT`), and the same command goes on from there.'
)
