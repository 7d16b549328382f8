"""The page on what components are given, against the records themselves."""

import dataclasses
import importlib

import pytest
import script_file

_ROOT = script_file.ROOT


SCRIPT = script_file.load('make_contexts')
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
