"""Cells on the workers of a Dask cluster.

Which worker runs which cell is decided here, and Dask is told: so a worker gets
no more cells than it has threads, one that joins later is looked at first, and
the cells of one that is gone are given to others.
"""

import collections
import contextlib
import dataclasses
import itertools
import os
import pathlib
import queue
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any, Optional

import distributed

from flsec.experiment import failure
from flsec.sweeps import child, cluster_worker, messages, same_code
from flsec.sweeps.cluster_client import Workers, reason
from flsec.sweeps.cluster_key import ClusterError
from flsec.sweeps.cluster_worker import Order, Result
from flsec.sweeps.display import Display
from flsec.sweeps.processes import death, next_task
from flsec.sweeps.task import Options, Outcome, Task

_REFRESH_SECONDS = 1.0
# A cell that takes its worker with it more often is at fault itself.
MOST_DEATHS = 3


@dataclasses.dataclass
class _Running:
  """A cell that is being run."""

  task: Task
  worker: str
  future: Any
  started: float
  metrics: dict[str, float] = dataclasses.field(default_factory=dict)


class Sweep:
  """The cells of a sweep, and the workers that they are given to."""

  def __init__(
    self,
    client: distributed.Client,
    root: pathlib.Path,
    tasks: Sequence[Task],
    options: Options,
    display: Display,
    *,
    module: str = child.__name__,
  ) -> None:
    """Starts nothing yet.

    Args:
      client: of the cluster.
      root: the sweep's folder, which the workers must see.
      tasks: the cells.
      options: how they are run.
      display: shows how far they are.
      module: what the process of each cell runs.
    """
    self._client = client
    self._display = display
    plugins = sorted({p for task in tasks for p in task.experiment.plugins})
    self._code = same_code.describe(plugins)
    self._workers = Workers(client, root.resolve(), tuple(plugins), self._code)
    # Whether a run may be continued was asked before: now it is this sweep's.
    self._options = dataclasses.replace(
      options,
      resume=True,
      data_dir=str(pathlib.Path(options.data_dir).resolve()),
    )
    self._waiting = collections.deque(map(_absolute, tasks))
    self._running: dict[str, _Running] = {}
    self._deaths: collections.Counter[str] = collections.Counter()
    self._topic = f'flsec-{secrets.token_hex(8)}'
    self._module = module
    self._numbers = itertools.count()
    self._events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

  def run(self, *, fail_fast: bool = False) -> list[Outcome]:
    """Runs the cells.

    Args:
      fail_fast: end the others, which may go on later, when one fails.

    Returns:
      How each cell ended, in the order in which they did.

    Raises:
      ClusterError: a worker that is there at the start cannot run them, or the
        scheduler is gone.
    """
    outcomes: list[Outcome] = []
    with self._connected():
      self._workers.refresh()
      for worker, why in self._workers.unfit.items():
        raise ClusterError(f'Worker {worker} cannot run this sweep: {why}.')
      self._say_if_none('no worker yet')
      while self._waiting or self._running:
        self._start()
        for outcome in self._listen():
          outcomes.append(outcome)
          self._display.ended(outcome)
          if fail_fast and outcome.failure is not None:
            return outcomes
        self._display.refresh()
    return outcomes

  @contextlib.contextmanager
  def _connected(self) -> Iterator[None]:
    def told(event: Any) -> None:
      self._events.put(('message', event[1]))

    try:
      self._client.subscribe_topic(self._topic, told)
      yield
    except OSError as error:
      raise ClusterError(
        f'The scheduler no longer answers ({reason(error)}). What cells have '
        'finished is kept; the same command goes on from there.'
      ) from error
    finally:
      with contextlib.suppress(Exception):
        self._client.cancel([one.future for one in self._running.values()])

  def _start(self) -> None:
    """Gives cells to workers that have threads left, the idlest first."""
    while self._waiting:
      busy = collections.Counter(one.worker for one in self._running.values())
      free = {w: n - busy[w] for w, n in self._workers.slots.items()}
      if max(free.values(), default=0) < 1:
        return
      worker = max(free, key=free.__getitem__)
      running = (one.task for one in self._running.values())
      task = next_task(self._waiting, running)
      if task is None:
        return
      future = self._client.submit(
        cluster_worker.run,
        self._order(task),
        key=f'{self._topic}-{next(self._numbers)}',
        workers=[worker],
        allow_other_workers=False,
        pure=False,
      )
      started = time.monotonic()
      self._running[future.key] = _Running(task, worker, future, started)
      future.add_done_callback(lambda f: self._events.put(('done', f.key)))
      self._display.started(task)

  def _order(self, task: Task) -> Order:
    return Order(
      task=task,
      options=self._options,
      code=self._code,
      directory=os.getcwd(),
      topic=self._topic,
      module=self._module,
    )

  def _listen(self) -> Iterator[Outcome]:
    """Takes what is told for a while; yields how cells ended."""
    deadline = time.monotonic() + _REFRESH_SECONDS
    while (left := deadline - time.monotonic()) > 0:
      try:
        kind, what = self._events.get(timeout=left)
      except queue.Empty:
        break
      if kind == 'message':
        self._take_message(dict(what))
      elif what in self._running:
        yield from self._take_result(what)
      self._start()
    self._refresh_workers()
    yield from self._doomed()

  def _take_message(self, words: dict[str, Any]) -> None:
    one = self._running.get(words['key'])
    if one is None:
      return  # Of a worker that was given up.
    if words['kind'] == messages.Begun.__name__:
      self._display.begun(one.task, words['num_rounds'], words['finished'])
    elif words['kind'] == messages.Round.__name__:
      one.metrics.update(words['metrics'])
      self._display.round(one.task, words['number'])

  def _take_result(self, key: str) -> Iterator[Outcome]:
    one = self._running[key]
    if one.future.status in ('cancelled', 'lost'):
      self._give_back(key)
      return
    del self._running[key]
    error = one.future.exception()
    if error is not None:
      yield _outcome(one, failure.in_one_line(error))
      return
    result: Result = one.future.result()
    one.metrics.update(result.metrics)
    beside = [r for r in self._running.values() if r.worker == one.worker]
    if result.unfit:
      self._workers.give_up(one.worker, result.unfit)
      self._display.say(f'Worker {one.worker} is given up: {result.unfit}.')
      self._again(one.task)
    elif result.ended and result.ended.lacks_memory and beside:
      self._workers.shrink(one.worker, len(beside))
      self._again(one.task)
    else:
      yield _outcome(one, _failure(one.task, result))

  def _refresh_workers(self) -> None:
    known, had = set(self._workers.unfit), bool(self._workers.slots)
    self._workers.refresh()
    for key, one in list(self._running.items()):
      if one.worker not in self._workers.present:
        self._give_back(key)
    for worker in set(self._workers.unfit) - known:
      why = self._workers.unfit[worker]
      self._display.say(f'Worker {worker} is given no cell: {why}.')
    if had:
      self._say_if_none('no worker left')

  def _say_if_none(self, what: str) -> None:
    if not self._workers.slots:
      self._display.say(f'The cluster has {what}; waiting for one.')

  def _give_back(self, key: str) -> None:
    """Takes a cell from a worker that is gone."""
    one = self._running.pop(key)
    one.future.cancel()
    self._deaths[one.task.name] += 1
    self._display.say(f'{one.task.name}: worker {one.worker} is gone.')
    self._again(one.task)

  def _again(self, task: Task) -> None:
    self._display.given_back(task)
    self._waiting.appendleft(task)

  def _doomed(self) -> Iterator[Outcome]:
    """Yields the cells that no further worker is given."""
    for task in list(self._waiting):
      if self._deaths[task.name] > MOST_DEATHS:
        self._waiting.remove(task)
        line = f'its worker died {self._deaths[task.name]} times'
        _note(task, line)
        yield Outcome(task, line, {}, 0.0)


def _absolute(task: Task) -> Task:
  """Returns a task whose folders do not count from anywhere."""
  prefixes = (
    dataclasses.replace(one, folder=one.folder.resolve())
    for one in task.prefixes
  )
  return dataclasses.replace(
    task, directory=task.directory.resolve(), prefixes=tuple(prefixes)
  )


def _outcome(one: _Running, line: Optional[str]) -> Outcome:
  return Outcome(one.task, line, one.metrics, time.monotonic() - one.started)


def _failure(task: Task, result: Result) -> Optional[str]:
  """Returns why a cell failed; None: it is done."""
  if result.ended is not None:
    return result.ended.failure
  line = f'its process {death(result.exit_code)}'
  _note(task, line)
  return line


def _note(task: Task, line: str) -> None:
  # The cell's process ends with its worker, but not at once.
  cluster_worker.wait_until_free(task.directory, child.GRACE_SECONDS)
  with contextlib.suppress(OSError, ValueError):
    failure.note_of_the_dead(task.directory, line)
