"""Puts an experiment together for a loop of one's own."""

import os
import typing
import warnings
from typing import Any, Optional, Union

from flsec.data import locate
from flsec.library import sources
from flsec.runtime import threads

if typing.TYPE_CHECKING:
  from flsec.library.federation import Simulation


def assemble(
  experiment: sources.Source,
  *,
  data_dir: Optional[Union[str, 'os.PathLike[str]']] = None,
  **changes: Any,
) -> 'Simulation':
  """Puts an experiment together for a loop of one's own.

  Data are read and every component is built, as for a run; nothing is written.
  `phases` and all that belongs to a run's folder are left to `flsec.run`.

  Args:
    experiment: as of `flsec.run`.
    data_dir: as of `flsec.run`.
    **changes: as of `flsec.run`.

  Returns:
    `flsec.Simulation`: process, clients and test.

  Raises:
    ConfigError: something in the experiment is wrong.
    ValueError: data are missing or broken, or a component does not fit them.
  """
  chosen = sources.one_of(experiment, changes)
  num_threads = threads.settle(chosen.runtime.threads)
  warnings.filterwarnings('ignore', message='pkg_resources is deprecated')
  # TensorFlow is imported here, its threads being configured.
  from flsec.library import federation

  folder = locate.default_data_dir() if data_dir is None else str(data_dir)
  return federation.build(chosen, folder, num_threads)
