"""The page on what components are given, against the records themselves."""

import dataclasses
import importlib
import importlib.util
import pathlib

import pytest

_ROOT = pathlib.Path(__file__).resolve().parents[2]


def _script():
  path = _ROOT / 'scripts' / 'make_contexts.py'
  spec = importlib.util.spec_from_file_location('make_contexts', path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


SCRIPT = _script()
RECORDS = [(file, name) for _, file, name in SCRIPT._RECORDS.values()]


def test_page_in_the_repository_is_up_to_date():
  found = (_ROOT / 'docs' / 'contexts.md').read_text(encoding='utf-8')
  assert found == SCRIPT.page(), (
    'run: python scripts/make_contexts.py docs/contexts.md'
  )


@pytest.mark.parametrize('file, name', RECORDS)
def test_every_field_is_explained(file, name):
  docstring, _ = SCRIPT.record(file, name)
  told = {
    one for names in SCRIPT.attributes(docstring) for one in names.split(', ')
  }
  module = importlib.import_module(
    'flsec.' + file.removesuffix('.py').replace('/', '.')
  )
  fields = dataclasses.fields(getattr(module, name))
  assert told == {field.name for field in fields}


def test_hooks_have_their_signatures():
  told = SCRIPT.functions('attacks/attack.py')
  assert {'Poison', 'GradientHook', 'Craft', 'Training', 'Report'} <= set(told)
  assert told['Projection'].startswith('(weights [d], context) -> weights [d]')
  assert 'Decide' in SCRIPT.functions('defenses/phase.py')
  assert 'Prune' in SCRIPT.functions('pruning/pruner.py')
