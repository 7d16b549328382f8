"""Writes docs/licences.md: the licence of every package of the locks.

usage: python scripts/licences.py

Licences are what the installed packages say of themselves; those that only
another Python or a GPU needs are named below, from their pages on PyPI.
"""

import importlib.metadata
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / 'docs' / 'licences.md'
LOCKS = ('requirements.txt', 'requirements-gpu.txt')
_ELSEWHERE = {
  'exceptiongroup': 'MIT',
  'execnet': 'MIT',
  'importlib-metadata': 'Apache-2.0',
  'importlib-resources': 'Apache-2.0',
  'pytest-xdist': 'MIT',
  'tomli': 'MIT',
  'zipp': 'MIT',
}
_NVIDIA = 'NVIDIA Software License Agreement (proprietary)'
# What packages say in the words of PyPI, in those of SPDX.
_SPDX = {
  'Apache Software License': 'Apache-2.0',
  'Apache 2.0': 'Apache-2.0',
  'Apache License 2.0': 'Apache-2.0',
  'BSD 3-Clause': 'BSD-3-Clause',
  'BSD 3-Clause License': 'BSD-3-Clause',
  '3-Clause BSD License': 'BSD-3-Clause',
  'new BSD': 'BSD-3-Clause',
  'BSD License': 'BSD',
  'MIT License': 'MIT',
  'Mozilla Public License 2.0 (MPL 2.0)': 'MPL-2.0',
  'Python Software Foundation License': 'PSF-2.0',
  'PSF': 'PSF-2.0',
}
_LONGEST = 40
_HEAD = """# Licences of what flsec is installed with

<!-- Made from the locks by `python scripts/licences.py`; a test compares the
names. -->

flsec itself has the Apache License 2.0. None of these packages is part of its
source; `requirements.txt` and `requirements-gpu.txt` name their versions, and
what each says of its licence stands here. MPL-2.0 asks for changes to its own
files to be published, LGPL and GPL occur nowhere. The packages of NVIDIA are
proprietary, and only the GPU environment has them.

| package | licence |
|---|---|
"""


def locked() -> list[str]:
  """Returns the names of all packages of the locks, sorted."""
  names = set()
  for lock in LOCKS:
    text = (ROOT / lock).read_text(encoding='utf-8')
    names |= set(re.findall(r'^([a-z0-9][a-z0-9._-]*)==', text, re.MULTILINE))
  return sorted(names)


def licence(name: str) -> str:
  """Returns a package's licence, in the words of SPDX where they are known.

  Raises:
    KeyError: it is neither installed nor listed above, or says nothing.
  """
  if name.startswith('nvidia-'):
    return _NVIDIA
  try:
    metadata = importlib.metadata.metadata(name)
  except importlib.metadata.PackageNotFoundError:
    return _ELSEWHERE[name]
  classifiers = [
    line.rpartition(' :: ')[2]
    for line in metadata.get_all('Classifier', [])
    if line.startswith('License ::')
  ]
  short = metadata.get('License', '').strip()
  said = [
    metadata.get('License-Expression', ''),
    short if len(short) <= _LONGEST and '\n' not in short else '',
    ' or '.join(_SPDX.get(one, one) for one in classifiers),
  ]
  found = [one for one in said if one]
  if not found:
    raise KeyError(f'{name} does not say its licence; name it in this file.')
  return _SPDX.get(found[0], found[0])


def page() -> str:
  """Returns the page."""
  rows = [f'| {name} | {licence(name)} |\n' for name in locked()]
  return _HEAD + ''.join(rows)


if __name__ == '__main__':
  PAGE.write_text(page(), encoding='utf-8')
