"""A cell that is to be run, and what is known of it afterwards."""

import dataclasses
import pathlib
import typing
from typing import Optional

from flsec import atomic_file

if typing.TYPE_CHECKING:
  from flsec.config import schema
  from flsec.experiment.prefix import Prefix


@dataclasses.dataclass(frozen=True)
class Task:
  """A cell that is to be run.

  Attributes:
    name: the cell's, `aggregator=krum,seed=1`.
    directory: its folder.
    experiment: what is run.
    prefixes: rounds that it has in common with other cells.
  """

  name: str
  directory: pathlib.Path
  experiment: 'schema.Experiment'
  prefixes: 'tuple[Prefix, ...]' = ()

  def check_place(self) -> None:
    """Refuses to begin where the folder of the sweep went away meanwhile.

    Its path may lead to another disk by now.

    Raises:
      OSError: it names the folder.
    """
    root = self.directory.parent
    with atomic_file.naming(root):
      root.stat()


@dataclasses.dataclass(frozen=True)
class Options:
  """How cells are run; the same for all of a sweep.

  Attributes:
    data_dir: folder of the data sets.
    resume: whether unfinished cells may be continued.
    profile: write a TensorBoard profile of each.
    verbosity: of the log, as absl counts it.
  """

  data_dir: str
  resume: bool = True
  profile: bool = False
  verbosity: int = -1


@dataclasses.dataclass(frozen=True)
class Outcome:
  """How a cell ended.

  Attributes:
    task: the cell.
    failure: the line that says why it failed; None: it is done.
    metrics: of its last round.
    seconds: it took in this session.
  """

  task: Task
  failure: Optional[str]
  metrics: dict[str, float]
  seconds: float
