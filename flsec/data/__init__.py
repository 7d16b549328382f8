"""Where examples come from and how clients share them."""

from flsec.data import partition
from flsec.data.dataset import Dataset, Federation, ServerSet, Split
from flsec.data.errors import DataFileError
from flsec.data.federation import build_federation
from flsec.data.loading import load
from flsec.data.locate import Location, default_data_dir, locate_all
from flsec.data.selection import place_malicious, select

__all__ = [
  'DataFileError',
  'Dataset',
  'Federation',
  'Location',
  'ServerSet',
  'Split',
  'build_federation',
  'default_data_dir',
  'load',
  'locate_all',
  'partition',
  'place_malicious',
  'select',
]
