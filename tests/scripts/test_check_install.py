"""The recipes that are run from empty environments, read but not run."""

import pytest
import script_file

_ROOT = script_file.ROOT


@pytest.fixture
def script():
  return script_file.load('check_install')


@pytest.fixture(autouse=True)
def without_engine(script, monkeypatch):
  monkeypatch.setattr(script, '_has_docker_engine', lambda: False)


def test_every_recipe_makes_an_environment_and_runs_quickstart(script):
  recipes = script.recipes()
  assert set(recipes) == {'pip', 'uv', 'uv-project', 'lock', 'docker'}
  for name, parts in recipes.items():
    text = ''.join(body for file, body in parts if not file)
    assert text.splitlines()[-1].endswith('flsec run quickstart'), name
    assert 'venv' in text or 'uv sync' in text, name


def test_files_of_a_recipe_are_written(script):
  files = [file for file, _ in script.recipes()['uv-project']]
  assert files == ['pyproject.toml', '']


def test_docker_commands_are_those_of_the_dockerfile(script):
  text = (_ROOT / 'Dockerfile').read_text(encoding='utf-8')
  runs = [line[4:] for line in text.splitlines() if line.startswith('RUN ')]
  commands = script.docker_commands().splitlines()
  assert len(runs) == 2 and set(runs) <= set(commands)
  assert '--require-hashes' in runs[0]


def test_where_there_is_an_engine_the_image_is_built(script, monkeypatch):
  monkeypatch.setattr(script, '_has_docker_engine', lambda: True)
  ((_, text),) = script.recipes()['docker']
  lines = text.splitlines()
  assert lines[0] == 'docker build -t flsec-check "$CHECKOUT"'
  assert lines[-1].endswith('flsec-check run quickstart')


def test_an_instruction_that_is_not_run_is_refused(script, tmp_path):
  script.ROOT = tmp_path
  (tmp_path / 'Dockerfile').write_text('FROM x\nADD a b\n')
  with pytest.raises(ValueError, match='ADD is not run'):
    script.docker_commands()


def test_an_unknown_recipe_is_named(script, capsys):
  assert script.main(['conda']) == 2
  assert 'No recipe conda. There are: pip, uv' in capsys.readouterr().err
