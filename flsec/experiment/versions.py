"""What a run was made with."""

import importlib.metadata
import platform
from collections.abc import Mapping

import flsec
from flsec.experiment import checkout

_PACKAGES = ('tensorflow', 'tensorflow-federated', 'numpy')


def of_this_process() -> Mapping[str, str]:
  """Returns what the run was made with, importing none of it.

  `commit` is that of the process that finished the run, where flsec is run
  from a checkout.
  """
  found = {'flsec': flsec.__version__, 'python': platform.python_version()}
  if checkout.commit():
    found['commit'] = checkout.commit()
  for package in _PACKAGES:
    try:
      found[package] = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
      found[package] = 'not installed'
  return found
