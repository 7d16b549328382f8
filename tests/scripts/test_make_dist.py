"""Wheel and sdist, built from this checkout."""

import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

_ROOT = pathlib.Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def built(tmp_path_factory):
  """Two folders with wheel and sdist of this checkout."""
  if not shutil.which('git') or not (_ROOT / '.git').exists():
    pytest.skip('needs git and a checkout')
  folders = [tmp_path_factory.mktemp('dist') for _ in range(2)]
  for folder in folders:
    subprocess.run(
      [sys.executable, _ROOT / 'scripts' / 'make_dist.py', folder], check=True
    )
  return folders


def test_same_bytes_twice(built):
  first, second = ({f.name: f.read_bytes() for f in d.iterdir()} for d in built)
  assert len(first) == 2 and first == second


def test_wheel_holds_all_that_a_run_needs(built):
  (wheel,) = built[0].glob('*.whl')
  with zipfile.ZipFile(wheel) as archive:
    names = set(archive.namelist())
    lock = archive.read('flsec/requirements.txt')
    (metadata,) = (
      archive.read(name).decode() for name in names if name.endswith('METADATA')
    )
  assert lock == (_ROOT / 'requirements.txt').read_bytes()
  wanted = {'flsec/py.typed', 'flsec/reporting/templates/page.html.j2'}
  for folder, pattern in (('flsec', '**/*.py'), ('experiments', '**/*.yaml')):
    for path in (_ROOT / folder).glob(pattern):
      name = path.relative_to(_ROOT).as_posix()
      wanted.add(name if folder == 'flsec' else f'flsec/{name}')
  assert wanted <= names
  assert 'Requires-Dist: absl-py' in metadata
  assert 'tensorflow-federated' not in metadata.partition('\n\n')[0]


def test_sdist_builds_the_same_wheel_and_holds_no_owner(built):
  (sdist,) = built[0].glob('*.tar.gz')
  with tarfile.open(sdist) as archive:
    members = archive.getmembers()
  assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, '', '')}
  assert len({m.mtime for m in members}) == 1
  names = {m.name.partition('/')[2] for m in members}
  assert {'requirements.txt', 'Makefile', 'docs/results.md'} <= names
  assert {
    'flsec/requirements.txt',
    'flsec/experiments/quickstart.yaml',
  } <= names
