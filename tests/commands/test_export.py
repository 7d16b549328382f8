"""Tests of `flsec export`: models, and runs as programs."""

import pathlib

import pytest
import whole_run
import yaml

from flsec.commands import export, flags
from flsec.commands.command import UsageError
from flsec.config.errors import ConfigError


def _run(*arguments):
  flag_values = flags.FlagValues()
  export.define_flags(flag_values)
  positional = flag_values(['export', *arguments])[1:]
  return export.run(flag_values, positional)


@pytest.mark.parametrize(
  'arguments',
  [
    ('--format=keras',),
    ('--format=keras', 'runs/a', 'runs/b'),
    ('--format=keras', '--config=a.yaml', 'runs/a'),
  ],
)
def test_a_model_is_that_of_one_run(arguments):
  with pytest.raises(UsageError, match='takes one folder of a finished run'):
    _run(*arguments)


def test_a_folder_that_is_none_is_refused(tmp_path):
  with pytest.raises(ValueError, match='is not the folder of a finished run'):
    _run('--format=keras', str(tmp_path))


def test_the_model_lies_in_the_folder_unless_said(
  tmp_path, monkeypatch, capsys
):
  from flsec.experiment import keras_export

  written = []
  monkeypatch.setattr(
    keras_export,
    'export_model',
    lambda folder, path: written.append((folder, path)) or 'x * 1',
  )
  assert _run('--format=keras', str(tmp_path)) == 0
  assert _run('--format=keras', str(tmp_path), '--output=other.h5') == 0
  assert [str(path) for _, path in written] == [
    str(tmp_path / 'model.keras'),
    'other.h5',
  ]
  assert capsys.readouterr().out.splitlines()[1] == 'other.h5: x * 1'


def test_programs_of_runs_and_their_rows(tmp_path, monkeypatch, capsys):
  from flsec.experiment import exported_rows, run_export

  config = tmp_path / 'small.yaml'
  config.write_text(
    yaml.safe_dump({**whole_run.RAW, 'sweep': {'seed': [1, 2]}})
  )
  calls = []

  def export_run(experiment, *, directory, data_dir):
    calls.append((experiment.seed, directory))
    return [config]

  def write_run(experiment, path, *, directory, data_dir):
    calls.append((experiment.seed, path, directory))

  monkeypatch.setattr(export.threads, 'configure', lambda count: None)
  monkeypatch.setattr(run_export, 'export_run', export_run)
  monkeypatch.setattr(exported_rows, 'write_run', write_run)
  given = f'--config={config}'
  assert _run('--format=run', given, '--output_dir=there') == 0
  assert _run('--format=rows', given, '--results_dir=back') == 0
  path = pathlib.Path
  assert calls == [
    (1, path('there/seed=1')),
    (2, path('there/seed=2')),
    (1, path('back/seed=1.npz'), path('runs/whole/seed=1')),
    (2, path('back/seed=2.npz'), path('runs/whole/seed=2')),
  ]
  assert 'runs/whole/seed=2' in capsys.readouterr().out


def test_a_run_that_no_program_can_do_is_refused_before_any_data(
  tmp_path, monkeypatch
):
  monkeypatch.setattr(export.threads, 'configure', lambda count: None)
  config = tmp_path / 'small.yaml'
  config.write_text(yaml.safe_dump({**whole_run.RAW, 'rounds': 3}))
  with pytest.raises(ConfigError, match=r'rounds.*a multiple of evaluation'):
    _run('--format=run', f'--config={config}', '--data_dir=nowhere')
