"""The command line from outside: words in, text and exit code out."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from flsec import main
from flsec.commands import run as run_command
from flsec.commands.command import Command, UsageError


@pytest.fixture
def call(capsys):
  """`call('list', 'krum') -> (exit code, stdout, stderr)`, in this process."""

  def called(*arguments):
    with pytest.raises(SystemExit) as ended:
      main.run_app(['flsec', *arguments])
    code = ended.value.code
    return 0 if code is None else code, *capsys.readouterr()

  return called


@pytest.fixture
def fake(monkeypatch):
  """Puts a command in place that raises, or returns, what it is told to."""

  def put(outcome):
    def run(flag_values, positional):
      if isinstance(outcome, BaseException):
        raise outcome
      return outcome

    command = Command('fake', 'Does it.', '', run)
    monkeypatch.setitem(main.COMMANDS, 'fake', command)

  return put


class TestHelp:
  @pytest.mark.parametrize('word', ['--help', '-h', 'help', '--helpfull'])
  def test_names_every_command_and_the_flags_of_run(self, call, word):
    code, text, _ = call(word)
    assert code == 0
    assert all(f'\n  {name}' in text for name in main.COMMANDS)
    for flag in ('config', 'set', 'seed', 'data_dir', 'resume', 'threads'):
      assert f'--{flag}' in text
    assert 'logtostderr' not in text and 'repeat this option' not in text
    assert max(map(len, text.splitlines())) <= 80

  def test_of_one_command(self, call):
    for arguments in (['run', '--help'], ['help', 'run'], ['run', 'x', '-h']):
      code, text, _ = call(*arguments)
      assert code == 0
      assert text.startswith('Usage: flsec run FILE.yaml')
      assert 'Examples:' in text

  def test_no_arguments_is_help_but_a_failure(self, call):
    code, text, _ = call()
    assert code == main.EXIT_ERROR and 'Usage: flsec COMMAND' in text

  def test_every_command_says_what_it_does(self, call):
    for name, command in main.COMMANDS.items():
      _, text, _ = call(name, '--help')
      assert command.summary in text


class TestMisuse:
  @pytest.mark.parametrize(
    'arguments, message',
    [
      (['rnu'], "unknown command 'rnu'; did you mean run?"),
      (['zzz'], "unknown command 'zzz'. Commands: run, list"),
      (['--config=x'], 'a command comes first, e.g. `flsec run --config=x`'),
      (
        ['run', '--confg=x'],
        'unknown flag --confg of `flsec run`; did you mean',
      ),
      (['run', '--seed=x'], 'flag --seed=x: invalid literal'),
      (['run', '--threads=0'], 'flag --threads=0'),
      (['list', '--resume'], 'unknown flag --resume of `flsec list`'),
      (['run'], 'This command takes one --config=FILE.yaml; got none'),
      (['run', 'a', 'b'], 'takes one --config=FILE.yaml; got 2: a, b'),
      (['run', '--config=absent.yaml'], 'absent.yaml: cannot be read'),
      (['report'], 'takes one run directory, such as runs/quickstart; got 0'),
      (['report', '/absent'], '/absent is no folder'),
      (['convert'], '`flsec convert` takes one YAML file; got 0'),
      (['version', 'x'], "`flsec version` takes no 'x'"),
      (['doctor', 'x'], "`flsec doctor` takes no 'x'"),
      (['list', 'krm'], "no kind 'krm'; did you mean 'krum'?"),
    ],
  )
  def test_clear_message_and_exit_code(self, call, arguments, message):
    code, text, error = call(*arguments)
    assert code == main.EXIT_ERROR == 2
    assert error.startswith('flsec: error: ') and message in error
    assert 'Traceback' not in error and text == ''


class TestErrors:
  def test_success_and_failure_of_a_command(self, call, fake):
    for code in (0, 1):
      fake(code)
      assert call('fake')[0] == code

  def test_misuse_has_no_hint_at_debugging(self, call, fake):
    fake(UsageError('wrong.'))
    _, _, error = call('fake')
    assert error == 'flsec: error: wrong.\n'

  def test_full_disk_is_a_message(self, call, fake):
    fake(OSError(28, 'No space left on device', 'runs/x'))
    code, _, error = call('fake')
    assert code == 2 and 'No space left on device' in error
    assert '--debug' in error

  def test_debug_shows_where(self, call, fake):
    fake(UsageError('wrong.'))
    with pytest.raises(UsageError):
      main.run_app(['flsec', 'fake', '--debug'])

  def test_fault_of_flsec_keeps_its_traceback(self, fake):
    fake(ValueError('raised outside of flsec, so not meant for users'))
    with pytest.raises(ValueError, match='not meant for users'):
      main.run_app(['flsec', 'fake'])

  def test_interrupted_run_says_how_to_go_on(self, call, monkeypatch):
    def run(flag_values, positional):
      raise KeyboardInterrupt

    command = Command('run', '', '', run, run_command.COMMAND.define_flags)
    monkeypatch.setitem(main.COMMANDS, 'run', command)
    code, _, error = call('run', '--config=a b.yaml')
    assert code == 130
    assert "flsec run '--config=a b.yaml'" in error

  def test_interrupted_listing_says_no_more(self, call, fake):
    fake(KeyboardInterrupt())
    assert call('fake')[::2] == (130, '\nflsec: interrupted.\n')


class TestFlags:
  def test_flags_may_stand_behind_the_file(self, call, monkeypatch):
    seen = {}

    def run(flag_values, positional):
      seen.update(positional=positional, seed=flag_values.seed)
      seen.update(set=flag_values.set, resume=flag_values.resume)
      return 0

    command = Command('run', '', '', run, run_command.COMMAND.define_flags)
    monkeypatch.setitem(main.COMMANDS, 'run', command)
    call('run', 'x.yaml', '--seed=3', '--set=a=1', '--set', 'b=2', '--noresume')
    assert seen == {
      'positional': ['x.yaml'],
      'seed': 3,
      'set': ['a=1', 'b=2'],
      'resume': False,
    }

  def test_version(self, call):
    code, text, _ = call('--version')
    assert code == 0 and text.startswith('flsec ')
    assert 'tensorflow-federated' in text


def _python(*arguments, **options):
  return subprocess.run(
    [sys.executable, *arguments],
    capture_output=True,
    text=True,
    check=False,
    **options,
  )


class TestProcess:
  @pytest.mark.parametrize(
    'words',
    [
      ['--help'],
      ['run', '--help'],
      ['list'],
      ['list', 'datasets'],
      ['version'],
      ['doctor'],
    ],
  )
  def test_start_imports_python_alone(self, words, repository, tmp_path):
    program = (
      'import os, subprocess, sys\n'
      'from flsec import main\n'
      # What `doctor` tries to import, it does in other processes.
      'lost = subprocess.CompletedProcess([], 1, "", "no")\n'
      'subprocess.run = lambda *args, **options: lost\n'
      'before = set(sys.modules)\n'
      'try:\n'
      f'  main.run_app(["flsec", *{words!r}])\n'
      'except SystemExit:\n'
      '  pass\n'
      'own = {name.split(".")[0] for name in set(sys.modules) - before}\n'
      'own -= {"flsec", *sys.stdlib_module_names}\n'
      'assert not own, own\n'
    )
    if sys.version_info < (3, 10):
      pytest.skip('Python 3.9 does not name its own modules')
    ended = _python('-c', program, cwd=repository)
    assert ended.returncode == 0, ended.stderr

  @pytest.mark.parametrize(
    'words, code',
    [
      (['--help'], 0),
      (['list', 'krum'], 0),
      (['version'], 0),
      (['doctor'], 1),
      (['run', 'experiments/quickstart.yaml'], 2),
      (['run', '--config=experiments/quickstart.yaml'], 2),
      (['report', 'experiments'], 2),
    ],
  )
  def test_without_packages_says_what_adds_them(self, words, code, repository):
    # Without its folder of packages, Python has its own modules alone.
    environment = {**os.environ, 'PYTHONPATH': str(repository)}
    ended = _python(
      '-S', '-m', 'flsec.main', *words, cwd=repository, env=environment
    )
    assert ended.returncode == code
    assert 'Traceback' not in ended.stderr
    told = ended.stdout if words == ['doctor'] else ended.stderr
    assert 'tensorflow-federated' in told and 'make setup' in told
    if words[0] in ('--help', 'list', 'version'):
      assert ended.stdout

  def test_runs_as_a_module(self, repository):
    ended = _python('-m', 'flsec.main', 'rnu', cwd=repository)
    assert ended.returncode == 2 and 'did you mean run?' in ended.stderr

  def test_reader_that_goes_away_is_no_error(self, repository: pathlib.Path):
    command = f'{sys.executable} -m flsec.main list | head -1'
    ended = subprocess.run(
      ['bash', '-c', f'set -o pipefail; {command}'],
      capture_output=True,
      text=True,
      check=False,
      cwd=repository,
      env={**os.environ, 'PYTHONUNBUFFERED': '1'},
    )
    assert ended.stderr == ''
    assert ended.returncode in (0, main.EXIT_BROKEN_PIPE, 128 + signal.SIGPIPE)
