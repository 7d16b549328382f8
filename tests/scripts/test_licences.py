"""docs/licences.md and SECURITY.md speak of what the locks hold."""

import pathlib
import re
import runpy
import sys

import pytest

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_SCRIPT = runpy.run_path(str(_ROOT / 'scripts' / 'licences.py'))


@pytest.fixture
def page():
  return (_ROOT / 'docs' / 'licences.md').read_text(encoding='utf-8')


def test_page_names_every_package_of_the_locks_and_its_licence(page):
  rows = re.findall(r'^\| ([a-z0-9._-]+) \| (.+) \|$', page, re.MULTILINE)
  names = [name for name, _ in rows]
  assert names[1:] == _SCRIPT['locked']()  # The first is the table's head.
  assert not any(re.search(r'(?<!L)GPL', licence) for _, licence in rows)


@pytest.mark.skipif(
  sys.version_info[:2] != (3, 11), reason='the page is that of Python 3.11'
)
def test_page_is_what_the_script_writes(page):
  assert page == _SCRIPT['page'](), 'run: python scripts/licences.py'


def test_package_that_says_nothing_of_its_licence_is_named(monkeypatch):
  monkeypatch.setattr('importlib.metadata.metadata', lambda name: _Silent())
  with pytest.raises(KeyError, match='does not say its licence'):
    _SCRIPT['licence']('numpy')


class _Silent:
  def get(self, name, default=None):
    return default

  def get_all(self, name, default=None):
    return default


def test_judged_versions_are_those_of_the_lock():
  lock = (_ROOT / 'requirements.txt').read_text(encoding='utf-8')
  locked = {}
  for name, version in re.findall(r'^([a-z0-9._-]+)==(\S+)', lock, re.M):
    locked.setdefault(name, set()).add(version)
  text = (_ROOT / 'SECURITY.md').read_text(encoding='utf-8')
  section = text.partition('## Advisories')[2].partition('## Supply')[0]
  rows = re.findall(
    r'^\| ([a-z0-9, ]+?)(?: \(.*?\))? \| ([\d., ]+) \|', section, re.M
  )
  judged = set()
  for names, versions in rows:
    for name, version in zip(names.split(', '), versions.split(', ')):
      assert version in locked[name], (
        f'SECURITY.md judges {name} {version}; the lock has {locked[name]}. '
        'Judge the new one.'
      )
      judged.add(name)
  assert {'tensorflow', 'keras', 'protobuf', 'pillow', 'h5py'} <= judged
