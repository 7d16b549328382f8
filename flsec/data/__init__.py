"""Where examples come from and how clients share them.

What is named here is imported when it is first asked for: where data sets are
looked for (`locate`) is told without NumPy.
"""

import importlib
import typing
from typing import Any

if typing.TYPE_CHECKING:
  from flsec.data.dataset import Dataset as Dataset
  from flsec.data.dataset import Federation as Federation
  from flsec.data.dataset import ServerSet as ServerSet
  from flsec.data.dataset import Split as Split
  from flsec.data.errors import DataFileError as DataFileError
  from flsec.data.federation import build_federation as build_federation
  from flsec.data.loading import load as load
  from flsec.data.locate import Location as Location
  from flsec.data.locate import default_data_dir as default_data_dir
  from flsec.data.locate import locate_all as locate_all
  from flsec.data.selection import place_malicious as place_malicious
  from flsec.data.selection import select as select

_HOMES = {
  'DataFileError': 'errors',
  'Dataset': 'dataset',
  'Federation': 'dataset',
  'Location': 'locate',
  'ServerSet': 'dataset',
  'Split': 'dataset',
  'build_federation': 'federation',
  'default_data_dir': 'locate',
  'load': 'loading',
  'locate_all': 'locate',
  'place_malicious': 'selection',
  'select': 'selection',
}
__all__ = [*_HOMES, 'partition']


def __getattr__(name: str) -> Any:
  if name == 'partition':
    return importlib.import_module('flsec.data.partition')
  if name in _HOMES:
    return getattr(importlib.import_module(f'flsec.data.{_HOMES[name]}'), name)
  raise AttributeError(f'module flsec.data has no attribute {name!r}')
