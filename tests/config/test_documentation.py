import dataclasses
import runpy
import sys

import pytest

from flsec.config import documentation, schema, yaml_file


def test_page_in_the_repository_is_up_to_date(repository):
  found = (repository / 'docs' / 'configuration.md').read_text('utf-8')
  assert found == documentation.page(), (
    'run: python -m flsec.config.documentation docs/configuration.md'
  )


@pytest.mark.parametrize(
  'section', [s for s in vars(schema).values() if dataclasses.is_dataclass(s)]
)
def test_every_field_is_explained_in_the_schema(section):
  meanings = documentation._meanings(section.__doc__.replace('\n  ', '\n'))
  if section is not schema.Component:
    assert set(meanings) == {
      field.name for field in dataclasses.fields(section)
    }


@pytest.mark.parametrize(
  'row',
  [
    '| `rounds` | an integer, at least 1 | **required** | rounds of federated '
    'training. |',
    '| `partition` | partition | `iid` | how clients share the training '
    'examples. |',
    '| `memory_growth` | true or false | `true` | take accelerator memory as '
    'it is needed. |',
    '| `preaggregators` | list of preaggregators |  | what rewrites the stack '
    'of updates before the rule, in this order. |',
  ],
)
def test_rows(row):
  assert row in documentation.page().splitlines()


def test_yaml_of_the_introduction_is_readable():
  text = documentation.page().split('```yaml\n')[1].split('```')[0]
  sweep = yaml_file.parse(text, '')['sweep']
  assert sweep['seed'] == [1, 2, 3]


def test_writes_the_file_that_is_named(tmp_path, monkeypatch):
  path = tmp_path / 'page.md'
  monkeypatch.setattr(sys, 'argv', ['documentation', str(path)])
  monkeypatch.delitem(sys.modules, 'flsec.config.documentation')
  runpy.run_module('flsec.config.documentation', run_name='__main__')
  assert path.read_text('utf-8').startswith('# Configuration')
