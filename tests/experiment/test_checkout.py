import os
import subprocess

import pytest

from flsec.experiment import checkout, config_record


def _git(root, *words):
  identity = ['-c', 'user.name=x', '-c', 'user.email=x@example.com']
  subprocess.run(['git', '-C', str(root), *identity, *words], check=True)


@pytest.fixture
def root(tmp_path):
  """A checkout with one commit."""
  for path in ('flsec/__init__.py', 'experiments/p/x.yaml', 'notes.md'):
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text('as committed')
  _git(tmp_path, 'init', '--quiet')
  _git(tmp_path, 'add', '.')
  _git(tmp_path, 'commit', '--quiet', '-m', 'Begin')
  return tmp_path


def _head(root):
  # As git lays it out: HEAD names a file that holds the hash.
  name = (root / '.git' / 'HEAD').read_text().split()[1]
  return (root / '.git' / name).read_text().strip()


def test_a_clean_checkout_is_its_commit(root):
  assert checkout.commit_of(root) == _head(root)
  assert len(_head(root)) == 40


@pytest.mark.parametrize(
  'path', ['flsec/__init__.py', 'flsec/new.py', 'experiments/p/x.yaml']
)
def test_changed_sources_are_said(root, path):
  (root / path).write_text('not as committed')
  assert checkout.commit_of(root) == f'{_head(root)}-changed'


@pytest.mark.parametrize('path', ['experiments/p/results/t.csv', 'notes.md'])
def test_numbers_and_notes_are_no_sources(root, path):
  (root / path).parent.mkdir(exist_ok=True)
  (root / path).write_text('not as committed')
  assert checkout.commit_of(root) == _head(root)


def test_the_index_is_not_touched(root):
  # A file as committed but written later makes `git status` renew the index,
  # with a lock that a commit at the same time would trip over.
  index = root / '.git' / 'index'
  os.utime(root / 'flsec' / '__init__.py', (1, 1))
  before = index.read_bytes()
  assert checkout.commit_of(root) == _head(root)
  assert index.read_bytes() == before


def test_a_hooks_environment_is_not_asked(root, monkeypatch, tmp_path_factory):
  other = tmp_path_factory.mktemp('other')
  monkeypatch.setenv('GIT_DIR', str(other))
  assert checkout.commit_of(root) == _head(root)


def test_a_package_in_another_checkout_has_no_commit(root):
  packages = root / 'site-packages'
  (packages / 'flsec').mkdir(parents=True)
  (packages / 'flsec' / '__init__.py').write_text('')
  assert checkout.commit_of(packages) == ''


def test_there_is_no_commit_without_a_checkout_or_git(
  root, tmp_path_factory, monkeypatch
):
  assert checkout.commit_of(tmp_path_factory.mktemp('plain')) == ''
  monkeypatch.setenv('PATH', '')
  assert checkout.commit_of(root) == ''


@pytest.mark.parametrize(
  'first, last, word',
  [
    ('a', 'a', 'a'),
    ('a', 'b', 'a..b'),
    ('a', 'a-changed', 'a..a-changed'),
    ('', 'b', ''),
    (None, 'b', ''),
    ('a', None, ''),
  ],
)
def test_the_commits_of_a_run(first, last, word):
  assert checkout.between(first, last) == word


@pytest.mark.parametrize('commit', ['', 'c0ffee', 'c0ffee-changed'])
def test_a_runs_first_commit_is_kept_in_its_folder(
  tmp_path, monkeypatch, commit
):
  monkeypatch.setattr(checkout, 'commit', lambda: commit)
  config_record.write(tmp_path, 'name: mine\n', 'f1')
  found = config_record.read(tmp_path)
  assert found.commit == (commit or None)
  assert (found.fingerprint, found.text) == ('f1', 'name: mine\n')
  config_record.check(tmp_path, 'name: mine\n', 'f1')


def test_folders_from_before_are_read(tmp_path):
  (tmp_path / 'config.yaml').write_text('# flsec 1, fingerprint f\nname: x\n')
  found = config_record.read(tmp_path)
  assert (found.fingerprint, found.commit) == ('f', None)
