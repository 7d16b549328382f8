"""What `make` runs, in a checkout whose programs only echo."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from fake_command import write_executable

_ROOT = pathlib.Path(__file__).resolve().parent.parent


class TestMakefile:
  @pytest.fixture
  def make(self, tmp_path):
    """`make('list', 'ARGS=krum')` in a checkout whose flsec only echoes."""
    if not shutil.which('make'):
      pytest.skip('needs make')
    checkout = tmp_path / 'checkout'
    shutil.copytree(_ROOT / 'experiments', checkout / 'experiments')
    shutil.copy(_ROOT / 'Makefile', checkout)
    (checkout / 'benchmarks').mkdir()
    (checkout / 'benchmarks' / 'attacks.py').write_text(
      "if __name__ == '__main__': pass\n"
    )
    note = '#!/bin/sh\n: >environment-made\n'
    write_executable(checkout / 'scripts' / 'make_environment.sh', note)
    echo = '#!/bin/sh\necho "$(basename $0) $*; data in $FLSEC_DATA_DIR."\n'
    for name in ('flsec', 'python', 'ruff', 'tensorboard'):
      write_executable(checkout / '.venv' / 'bin' / name, echo)

    def made(*arguments, **variables):
      kept = ('PATH', 'HOME', 'TMPDIR')
      done = subprocess.run(
        ['make', '-C', str(checkout), '--no-print-directory', *arguments],
        env={
          **{k: os.environ[k] for k in kept if k in os.environ},
          **variables,
        },
        capture_output=True,
        text=True,
        check=False,
      )
      return done.returncode, done.stdout, done.stderr

    made.checkout = checkout
    return made

  def test_help_is_the_default_and_lists_every_target(self, make):
    text = (_ROOT / 'Makefile').read_text(encoding='utf-8')
    public = re.findall(r'^([a-z-]+):.*## .', text, re.MULTILINE)
    phony = re.findall(r'^\.PHONY: (.*)', text, re.MULTILINE)
    private = {'environment', 'known-experiment', 'known-benchmark', 'tools'}
    assert set(' '.join(phony).split()) == {*public, *private}
    code, output, _ = make()
    assert code == 0
    assert re.findall(r'^  ([a-z-]+)  +[A-Z]', output, re.MULTILINE) == public
    assert {'setup', 'experiment', 'list', 'report', 'test'} <= set(public)
    assert max(map(len, output.splitlines())) <= 80
    assert not (make.checkout / 'environment-made').exists()

  def test_experiment_runs_quickstart(self, make):
    code, output, errors = make('experiment')
    assert (code, errors) == (0, '')
    assert output.startswith('flsec run --config=experiments/quickstart.yaml;')
    assert (make.checkout / 'environment-made').exists()

  @pytest.mark.parametrize(
    'name',
    [
      'flap/lenet5_mnist',
      'flap/lenet5_mnist.yaml',
      'experiments/flap/lenet5_mnist.yaml',
    ],
  )
  def test_experiment_takes_name_and_arguments(self, make, name):
    output = make('experiment', f'EXP={name}', 'ARGS=--seed=2 --threads=1')[1]
    assert output.startswith(
      'flsec run --config=experiments/flap/lenet5_mnist.yaml --seed=2 '
      '--threads=1;'
    )

  @pytest.mark.parametrize('name', ['flapp/lenet5_mnist', 'flap'])
  def test_a_wrong_experiment_lists_those_there_are(self, make, name):
    code, output, errors = make('experiment', f'EXP={name}')
    assert (code, output) == (2, '')
    assert f'There is no experiments/{name}.yaml.' in errors
    assert ' flap/lenet5_mnist ' in errors and ' quickstart' in errors
    assert not (make.checkout / 'environment-made').exists()

  def test_benchmark(self, make):
    code, _, errors = make('benchmark', 'BENCHMARK=nope')
    assert code == 2 and 'BENCHMARK is one of: attacks\n' in errors
    assert make('benchmark')[1].startswith('python -m benchmarks;')
    output = make('benchmark', 'BENCHMARK=attacks', 'ARGS=1 2')[1]
    assert output.startswith('python -m benchmarks.attacks 1 2;')

  def test_tools_are_installed_once_for_types_and_docs(self, make):
    shutil.copy(_ROOT / 'requirements-tools.txt', make.checkout)
    first = make('docs')[1].splitlines()
    assert first[0].startswith('python -m pip ')
    assert '--require-hashes' in first[0] and '--target .tools' in first[0]
    assert first[1].startswith('python scripts/make_reference.py build/docs;')
    (again,) = make('types')[1].splitlines()
    assert again.startswith('python -m mypy ')
    (make.checkout / 'requirements-tools.txt').write_text('another==1\n')
    assert len(make('types')[1].splitlines()) == 2

  def test_dist_and_check_install_run_their_scripts(self, make):
    assert make('dist')[1].startswith('python scripts/make_dist.py;')
    output = make('check-install', 'ARGS=pip uv')[1]
    assert output.startswith('python scripts/check_install.py pip uv;')

  def test_data_beside_the_checkout_are_found(self, make):
    assert make('list')[1] == 'flsec list; data in .\n'
    folder = make.checkout.parent / 'shared' / 'data'
    folder.mkdir(parents=True)
    assert make('list')[1] == f'flsec list; data in {folder}.\n'
    named = make('list', FLSEC_DATA_DIR='/elsewhere')[1]
    assert named == 'flsec list; data in /elsewhere.\n'

  def test_report_takes_the_newest_run(self, make):
    for age, name in enumerate(['new', 'old']):
      folder = make.checkout / 'runs' / name
      folder.mkdir(parents=True)
      os.utime(folder, (1000 - age, 1000 - age))
    assert make('report')[1].startswith('flsec report runs/new;')
    output = make('report', 'RUN=runs/old')[1]
    assert output.startswith('flsec report runs/old;')

  def test_cleaning_never_removes_runs_or_data(self, make):
    kept = ['runs/a/DONE', 'data/mnist.npz', 'flsec/a.py']
    gone = ['build/x', 'flsec/__pycache__/a.pyc', '.pytest_cache/x']
    for name in kept + gone:
      (make.checkout / name).parent.mkdir(parents=True, exist_ok=True)
      (make.checkout / name).touch()
    for target in ('clean', 'clean-all'):
      assert make(target)[0] == 0
      assert all((make.checkout / name).exists() for name in kept)
      assert not any((make.checkout / name).exists() for name in gone)
    assert not (make.checkout / '.venv').exists()
