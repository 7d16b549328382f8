"""What the README and the other pages say can be done, done.

A fence's info string says how: `bash test` is run, `python test` is executed,
`python file=NAME` and `yaml file=NAME` are written to where `bash test` runs.
Everything else is checked as far as that needs no run.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from flsec import main
from flsec.config import loading

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_README = (_ROOT / 'README.md').read_text(encoding='utf-8')
_PAGES = sorted([*_ROOT.glob('*.md'), *(_ROOT / 'docs').rglob('*.md')])
# Two rounds show as much as twelve that a command works.
_FEWER_ROUNDS = ['--set=rounds=2', '--set=clients.epochs=1']


def blocks(text: str, language: str) -> list:
  """Returns (info string, content) of the fences in a language."""
  found = re.findall(r'^```(\w+) ?(.*)\n((?:.*\n)*?)```$', text, re.MULTILINE)
  return [(info, body) for kind, info, body in found if kind == language]


def commands(text: str, info: str = '') -> list:
  """Returns the words of each command of the bash fences."""
  joined = ''.join(
    body for found, body in blocks(text, 'bash') if info in found
  ).replace('\\\n', ' ')
  return [shlex.split(line) for line in joined.splitlines() if line.strip()]


def files() -> dict:
  """Returns what the README writes into files."""
  fences = blocks(_README, 'python') + blocks(_README, 'yaml')
  return {
    info.partition('=')[2]: body
    for info, body in fences
    if info.startswith('file=')
  }


def targets() -> list:
  makefile = (_ROOT / 'Makefile').read_text(encoding='utf-8')
  return re.findall(r'^([a-z-]+):.*## .', makefile, re.MULTILINE)


def run_flsec(
  arguments: list, folder: pathlib.Path
) -> subprocess.CompletedProcess:
  """Runs a command as a reader would, in a folder."""
  # How much TensorFlow logs is left to flsec, as it is for a reader.
  kept = {k: v for k, v in os.environ.items() if k != 'TF_CPP_MIN_LOG_LEVEL'}
  return subprocess.run(
    [sys.executable, '-m', 'flsec.main', *arguments],
    cwd=folder,
    env={**kept, 'PYTHONPATH': str(_ROOT)},
    stdin=subprocess.DEVNULL,
    capture_output=True,
    text=True,
    check=False,
  )


@pytest.fixture(scope='module')
def workspace(tmp_path_factory):
  """A folder with the shipped experiments and the README's files."""
  folder = tmp_path_factory.mktemp('readme')
  (folder / 'experiments').symlink_to(_ROOT / 'experiments')
  for name, body in files().items():
    (folder / name).write_text(body, encoding='utf-8')
  return folder


def test_begins_with_two_commands():
  assert commands(_README)[:2] == [['make', 'experiment'], ['make', 'test']]


def _cases():
  """Returns the commands; those that train, or report on it, are slow."""
  return [
    pytest.param(
      words,
      id=' '.join(words)[:60],
      marks=pytest.mark.slow if words[1] in ('run', 'report') else (),
    )
    for words in commands(_README, 'test')
  ]


@pytest.mark.parametrize('words', _cases())
def test_commands_run(workspace, words):
  assert words[0] == 'flsec'
  shrunk = _FEWER_ROUNDS if words[1] == 'run' else []
  done = run_flsec([*words[1:], *shrunk], workspace)
  assert done.returncode == 0, done.stderr
  assert done.stdout
  if words[1] == 'run':
    report = done.stdout.split('Report: ')[-1].strip()
    assert (workspace / report).is_file()
    finished = (workspace / report).parent.rglob('DONE')
    cells = loading.load_cells(
      str(workspace / words[2].partition('=')[2]),
      [word[6:] for word in [*words, *shrunk] if word.startswith('--set=')],
      [word[8:] for word in words if word.startswith('--sweep=')],
      [str(workspace / w[9:]) for w in words if w.startswith('--plugin=')],
    )
    assert {path.parent.name for path in finished} >= {
      cell.name for cell in cells
    }


def test_python_runs(capfd, monkeypatch, tmp_path):
  monkeypatch.chdir(tmp_path)
  monkeypatch.syspath_prepend(str(_ROOT / 'tests' / 'federated'))
  import stock_tff

  namespace = {}
  with stock_tff.local_worker():
    for info, body in blocks(_README, 'python'):
      if info == 'test':
        exec(compile(body, 'README.md', 'exec'), namespace)
  output = capfd.readouterr().out
  for expected in re.findall(r'print\(.*\)  # (.*)', _README):
    assert f'{expected}\n' in output
  metrics = namespace['output'].metrics['client_work']['train']
  assert metrics['num_examples'] == 40


def test_every_python_block_is_run_or_written():
  for info, _ in blocks(_README, 'python'):
    assert info == 'test' or info.startswith('file=')


class TestEveryPage:
  @pytest.fixture(params=_PAGES, ids=lambda path: path.name)
  def page(self, request):
    return request.param

  def test_links_lead_to_files(self, page):
    text = page.read_text(encoding='utf-8')
    for link in re.findall(r'\]\(([^)#:]+)(?:#[^)]*)?\)', text):
      assert (page.parent / link).exists(), link

  def test_make_commands_name_targets_and_experiments(self, page):
    text = page.read_text(encoding='utf-8')
    for words in commands(text):
      if words[0] == 'make':
        assert words[1] in targets()
    for name in re.findall(r'`make ([a-z-]+)', text):
      assert name in targets()
    for name in re.findall(r'\bEXP=([\w/]+)', text):
      assert (_ROOT / 'experiments' / f'{name}.yaml').is_file(), name

  def test_flsec_commands_have_such_flags(self, page):
    for words in commands(page.read_text(encoding='utf-8')):
      if words[0] == 'flsec':
        command = main.COMMANDS[words[1]]
        flag_values = main._flags_of(command)
        flag_values([command.name, *words[2:]])


def test_tells_the_refusal_as_it_is():
  told = re.search(
    r'^\$ (flsec run .*?)\n(flsec: error: .*?)\n```', _README, re.S | re.M
  )
  words = shlex.split(told[1].replace('\\\n', ' '))
  done = run_flsec(words[1:], _ROOT)
  assert done.returncode != 0
  assert done.stderr.split() == told[2].split()
