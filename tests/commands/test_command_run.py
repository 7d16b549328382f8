"""`flsec run` around a round loop that only takes notes."""

import sys
import types

import pytest
from absl import logging

from flsec import atomic_file, main
from flsec.config.errors import ConfigError
from flsec.experiment import folder_lock, run_directory
from flsec.runtime import threads

_YAML = """
name: small
rounds: 3
dataset: digits_config
model: lenet5
clients: {num_clients: 4, optimizer: {learning_rate: 0.1}}
""".replace('dataset: digits_config', 'dataset: {name: digits}')


@pytest.fixture
def config(tmp_path):
  path = tmp_path / 'small.yaml'
  path.write_text(_YAML)
  return str(path)


@pytest.fixture
def loop(monkeypatch):
  """Stands for the modules that import TensorFlow; `calls` are its cells."""
  from flsec.config import dump

  module = types.ModuleType('flsec.experiment.loop')
  module.calls, module.checked, module.fails = [], [], None
  module.watchers, module.failing = [], ()

  def run_cell(
    experiment, *, directory, data_dir, resume, profile, watcher, prefixes
  ):
    assert not profile
    module.watchers.append(watcher)
    if experiment.seed in module.failing:
      raise ValueError(f'seed {experiment.seed} is unlucky')
    if module.fails:
      raise module.fails
    module.calls.append((experiment, directory, data_dir, resume))
    text, fingerprint = dump.to_yaml(experiment), dump.fingerprint(experiment)
    with run_directory.RunDirectory.open(
      directory, text, fingerprint, resume
    ) as run:
      run.finish({})

  def check_components(experiment):
    module.checked.append(experiment)
    if experiment.server.aggregator.name == 'krum':
      raise ConfigError('server.aggregator', 'krum needs more.')

  module.run_cell = run_cell
  preflight = types.ModuleType('flsec.experiment.preflight')
  preflight.check_components = check_components
  package = sys.modules['flsec.experiment']
  for name, fake in (('loop', module), ('preflight', preflight)):
    monkeypatch.setitem(sys.modules, f'flsec.experiment.{name}', fake)
    monkeypatch.setattr(package, name, fake, raising=False)
  monkeypatch.setattr(threads, 'configure', lambda number: number)
  # One cell after another, in this process.
  monkeypatch.setattr(threads, 'usable_cores', lambda: 1)
  monkeypatch.setattr('signal.signal', lambda *args: None)
  monkeypatch.setattr('flsec.commands.run._show', lambda *arguments: None)
  return module


@pytest.fixture
def call(capsys, config, tmp_path):
  def called(*arguments):
    with pytest.raises(SystemExit) as ended:
      main.run_app(
        ['flsec', 'run', config, f'--output_dir={tmp_path}/out', *arguments]
      )
    return ended.value.code or 0, *capsys.readouterr()

  called.folder = tmp_path / 'out'
  return called


def _cells(loop):
  return [directory.name for _, directory, _, _ in loop.calls]


class TestRun:
  def test_one_cell(self, call, loop, tmp_path):
    assert call('--data_dir=/data')[0] == 0
    ((experiment, directory, data_dir, resume),) = loop.calls
    assert experiment.name == 'small' and resume is True
    assert directory == tmp_path / 'out' / 'small' / 'seed=1'
    assert data_dir == '/data'

  def test_data_folder_of_the_environment(self, call, loop, monkeypatch):
    monkeypatch.setenv('FLSEC_DATA_DIR', '/elsewhere')
    call()
    assert loop.calls[0][2] == '/elsewhere'

  def test_sweep_runs_every_cell_and_counts(self, call, loop):
    _, text, _ = call('--sweep=seed=[1,2,3]')
    assert _cells(loop) == ['seed=1', 'seed=2', 'seed=3']
    assert '[1/3]' in text and '[3/3]' in text

  def test_done_cells_are_skipped(self, call, loop):
    call('--seed=2')
    _, text, _ = call('--sweep=seed=[1,2]')
    assert 'seed=2 is done already' in text
    assert _cells(loop) == ['seed=2', 'seed=1']

  def test_nothing_is_imported_where_all_is_done(self, call, loop):
    call()
    checks = len(loop.checked)
    assert call()[0] == 0
    assert len(loop.checked) == checks and len(loop.calls) == 1

  def test_flags_reach_the_cell(self, call, loop):
    call('--noresume', '--threads=3', '--set=rounds=2', '--seed=7')
    experiment, directory, _, resume = loop.calls[0]
    assert directory.name == 'rounds=2,seed=7' and not resume
    assert experiment.runtime.threads == 3

  def test_run_on_other_threads_is_the_same_run(self, call, loop):
    call('--threads=1')
    assert 'is done already' in call('--threads=2')[1]


class TestFailingCells:
  def test_the_rest_goes_on_and_the_failed_are_named(self, call, loop):
    loop.failing = (2,)
    code, text, error = call('--sweep=seed=[1,2,3]')
    assert code == 1 and _cells(loop) == ['seed=1', 'seed=3']
    assert 'seed=2: FAILED: seed 2 is unlucky' in text
    assert error.startswith('flsec: 1 of 3 cells failed:\n')
    assert '/small/seed=2: seed 2 is unlucky' in error
    assert 'Traceback' not in error

  def test_the_same_command_tries_them_again(self, call, loop):
    loop.failing = (2,)
    call('--sweep=seed=[1,2,3]')
    loop.failing = ()
    assert call('--sweep=seed=[1,2,3]')[0] == 0
    assert _cells(loop) == ['seed=1', 'seed=3', 'seed=2']

  def test_fail_fast(self, call, loop):
    loop.failing = (2,)
    code, _, error = call('--sweep=seed=[1,2,3]', '--fail_fast')
    assert code == 1 and _cells(loop) == ['seed=1']
    assert 'flsec: 1 of 2 cells failed' in error

  def test_a_single_experiment_fails_as_itself(self, call, loop):
    loop.fails = ConfigError('dataset', 'is gone.')
    code, _, error = call()
    assert (code, error) == (2, 'flsec: error: dataset: is gone.\n')


class TestConsole:
  def test_quiet(self, call, loop):
    _, text, error = call('--quiet', '--sweep=seed=[1,2]')
    assert text == error == ''
    assert all(watcher is not None for watcher in loop.watchers)

  def test_usually_cells_show_their_own_progress(self, call, loop):
    call()
    assert loop.watchers == [None]

  def test_verbosity_reaches_the_log(self, call, loop):
    seen = []

    def run_cell(experiment, **options):
      seen.append(logging.get_verbosity())

    loop.run_cell = run_cell
    for flags in ([], ['--verbosity=1'], ['--verbose'], ['--verbosity=-2']):
      logging.set_verbosity(logging.WARNING)
      call(*flags)
    assert seen == [-1, 1, 0, -2]

  def test_quiet_and_verbose_exclude_one_another(self, call, loop):
    code, _, error = call('--quiet', '--verbose')
    assert code == 2 and 'exclude one another' in error and loop.calls == []


class TestRefusals:
  def test_done_cell_of_another_configuration(self, call, loop, config):
    call()
    with open(config, 'a') as file:
      file.write('seed: 1\nevaluation: {every: 2}\n')
    code, _, error = call()
    assert code == 2 and len(loop.calls) == 1
    assert 'was made by another configuration' in error
    assert '--output_dir' in error and 'Traceback' not in error

  def test_a_second_sweep_into_one_folder(self, call, loop, tmp_path):
    folder = tmp_path / 'out' / 'small' / 'seed=2'
    folder.mkdir(parents=True)
    lock = folder_lock.acquire(folder)
    try:
      code, _, error = call('--sweep=seed=[1,2]')
    finally:
      folder_lock.release(lock)
    assert code == 2 and loop.calls == []
    assert 'is being written by another process (process ' in error

  def test_an_unfinished_cell_of_another_configuration(
    self, call, loop, config
  ):
    folder = call.folder / 'small' / 'seed=2'
    folder.mkdir(parents=True)
    (folder / 'metrics.jsonl').write_text('{"round": 1}\n')
    (folder / 'config.yaml').write_text('# flsec 1, fingerprint x\nname: y\n')
    code, _, error = call('--sweep=seed=[1,2]')
    assert code == 2 and loop.calls == []
    assert 'made by another configuration' in error

  def test_every_cell_is_checked_before_the_first_runs(self, call, loop):
    code, _, error = call('--sweep=server.aggregator=[mean,krum]')
    assert code == 2 and loop.calls == []
    assert error.startswith(
      'flsec: error: aggregator=krum,seed=1: server.aggregator: krum needs'
    )

  def test_bad_value_is_found_without_tensorflow(self, call, loop):
    code, _, error = call('--set=server.aggregator=krm')
    assert code == 2 and loop.checked == []
    assert "did you mean 'krum'?" in error

  def test_interruption(self, call, loop):
    loop.fails = KeyboardInterrupt()
    code, _, error = call('--seed=4')
    assert code == 130
    assert 'the same command goes on from there' in error
    assert '--seed=4' in error

  def test_missing_file_lists_what_is_there(
    self, capsys, repository, monkeypatch
  ):
    monkeypatch.chdir(repository)
    with pytest.raises(SystemExit):
      main.run_app(['flsec', 'run'])
    assert 'experiments/quickstart.yaml' in capsys.readouterr().err


def test_unfinished_cell_without_resume_is_refused(
  call, loop, config, monkeypatch
):
  from flsec.config import dump, loading

  def run_cell(
    experiment, *, directory, data_dir, resume, profile, watcher, prefixes
  ):
    assert not profile
    text, fingerprint = dump.to_yaml(experiment), dump.fingerprint(experiment)
    with run_directory.RunDirectory.open(
      directory, text, fingerprint, resume
    ) as run:
      path = run.path / run_directory.METRICS_JSONL
      atomic_file.write_atomically(path, '{}\n')

  monkeypatch.setattr(loop, 'run_cell', run_cell)
  assert loading.load(config)
  assert call()[0] == 0
  code, _, error = call('--noresume')
  assert code == 2 and 'holds an unfinished run' in error
  assert call()[0] == 0
