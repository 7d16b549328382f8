"""Tests of `flsec export` as far as it is about models."""

import pytest

from flsec.commands import export, flags
from flsec.commands.command import UsageError


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
