"""The connection to a Dask cluster, and which of its workers may run cells."""

import contextlib
import logging
import pathlib
import re
import secrets
from collections.abc import Iterator
from typing import Any

import distributed
from absl import logging as absl_logging

from flsec.sweeps import cluster_key, cluster_worker
from flsec.sweeps.cluster_key import ClusterError

_ADDRESS = re.compile(r'(tcp|tls)://(\[[^\]]+\]|[^/:\s]+):\d+$')
_CONNECT_SECONDS = 15.0
# They log whole tracebacks of what is said here in a line.
_TALKATIVE = ('distributed', 'tornado', 'asyncio')


@contextlib.contextmanager
def connect(address: str, key: pathlib.Path) -> Iterator[distributed.Client]:
  """Yields a client of a scheduler.

  Args:
    address: tcp://host:port, or tls://host:port.
    key: of the cluster, which only tls takes.

  Raises:
    ClusterError: nobody answers there, or not with this key.
  """
  if not _ADDRESS.match(address):
    raise ClusterError(
      f'--cluster={address} is no address of a scheduler; expected '
      'tls://host:8786, or tcp://localhost:8786.'
    )
  if absl_logging.get_verbosity() < absl_logging.INFO:
    for name in _TALKATIVE:
      logging.getLogger(name).setLevel(logging.CRITICAL)
  security = None
  if address.startswith('tls://'):
    pem = str(cluster_key.check(key))
    security = distributed.Security(
      tls_ca_file=pem,
      tls_client_cert=pem,
      tls_client_key=pem,
      require_encryption=True,
    )
  try:
    client = distributed.Client(
      address,
      security=security,
      timeout=_CONNECT_SECONDS,
      set_as_default=False,
      name='flsec',
    )
  except (OSError, RuntimeError) as error:
    raise ClusterError(
      f'No Dask scheduler answers at {address} ({reason(error)}). `flsec '
      'cluster` prints the commands that start one.'
    ) from error
  try:
    yield client
  finally:
    _close(client)


def _close(client: distributed.Client) -> None:
  """Ends a connection, whatever became of the scheduler."""
  try:
    client.close()
  except Exception:
    # Where the scheduler is gone, Dask's attempts to find it again may end in
    # any error; that it is gone has been told. The client would close again,
    # and fail and say so, wherever Python happens to collect it.
    client.status = 'closed'


class Workers:
  """The workers of a cluster, as one sweep sees them.

  Attributes:
    present: those that are there, and their threads.
    slots: cells that each of those which may run some takes at once.
    unfit: why the others may not.
  """

  def __init__(
    self,
    client: distributed.Client,
    root: pathlib.Path,
    plugins: tuple[str, ...],
    code: dict[str, str],
  ) -> None:
    """Knows none yet.

    Args:
      client: of the cluster.
      root: the sweep's folder, absolute, which the workers must see.
      plugins: as in `cluster_worker.visit`.
      code: as there.
    """
    self._client = client
    self._root = root
    self._asked = plugins, code, str(root)
    self.present: dict[str, int] = {}
    self.slots: dict[str, int] = {}
    self.unfit: dict[str, str] = {}

  def refresh(self) -> None:
    """Forgets workers that are gone, and looks at those that are new.

    Raises:
      OSError: the scheduler is gone.
    """
    if self._client.status != 'running':
      raise OSError(f'the connection is {self._client.status}')
    self.present = self._client.nthreads()
    for worker in set(self.slots) - set(self.present):
      del self.slots[worker]
    known = {*self.slots, *self.unfit}
    new = [worker for worker in self.present if worker not in known]
    for worker, answer in self._visited(new).items():
      if answer is None:
        self.slots[worker] = self.present[worker]
      elif not isinstance(answer, OSError):  # Else it left again.
        self.unfit[worker] = _words(answer)

  def _visited(self, workers: list[str]) -> dict[str, Any]:
    if not workers:
      return {}
    with _token(self._root) as token:
      return self._client.run(
        cluster_worker.visit,
        *self._asked,
        token,
        workers=workers,
        on_error='return',
      )

  def give_up(self, worker: str, reason: str) -> None:
    """Gives a worker no more cells."""
    self.slots.pop(worker, None)
    self.unfit[worker] = reason

  def shrink(self, worker: str, running: int) -> None:
    """Takes note that a worker had no memory for one more than are running."""
    if worker in self.slots:
      self.slots[worker] = max(1, running)


@contextlib.contextmanager
def _token(root: pathlib.Path) -> Iterator[str]:
  """Puts a file into a folder for a while: its name is its text.

  Leaves no folder that was not there.
  """
  made = [one for one in (root, *root.parents) if not one.exists()]
  root.mkdir(parents=True, exist_ok=True)
  name = f'.seen_{secrets.token_hex(8)}'
  (root / name).write_text(name, 'utf-8')
  try:
    yield name
  finally:
    (root / name).unlink()
    with contextlib.suppress(OSError):  # Something came into it.
      for folder in made:
        folder.rmdir()


def _words(answer: Any) -> str:
  if isinstance(answer, str):
    return answer
  return f'flsec does not run there ({type(answer).__name__}: {answer})'


def reason(error: BaseException) -> str:
  """Returns the innermost reason of Dask's errors, in one line."""
  while error.__cause__ is not None:
    error = error.__cause__
  text = ' '.join(str(error).split())
  return text or type(error).__name__
