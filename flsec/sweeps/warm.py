"""Imports what cells need, once for all of them.

The process that cells are forked from imports this module and nothing else:
TensorFlow takes seconds and half a gigabyte, which the cells then share. It has
not begun: no context, no threads of its own.
"""

import importlib
import warnings

from flsec.runtime import importing

# A note for the authors of packages, not for who runs an experiment.
warnings.filterwarnings('ignore', message='pkg_resources is deprecated')
with importing.swift(owns_process=True):
  for _name in (
    'flsec.experiment.loop',
    'flsec.experiment.preflight',
    'flsec.reporting.report',
  ):
    importlib.import_module(_name)
