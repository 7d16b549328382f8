"""What is told of a folder of reference configurations."""

import pytest
import script_file

_GOOD = """
num_clients: 4
num_malicious_clients: 1
attack_type: backdoor
backdoor_type: tasks
scale_attack: true
scale_attack_weight: 2
batch_size: 24
"""
_FILES = {
  'a/one.yml': _GOOD,
  'b/two.yaml': _GOOD,
  'b/benign.yml': '{model: dev, num_clients: 4}',
  'b/large.yml': '{model: resnet50, num_clients: 4}',
  'b/both.yml': '{model: resnet50, num_clients: 4, clip: 0.1}',
  'b/list.yml': '[1, 2]',
  'b/.hidden/three.yml': _GOOD,
  'b/notes.txt': 'no YAML',
}


@pytest.fixture
def script():
  return script_file.load('conversions')


def test_files_are_counted_by_kind_and_reason(script, tmp_path):
  for name, text in _FILES.items():
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
  paths = script.files([str(tmp_path / 'a'), str(tmp_path / 'b')])
  assert [path.name for path in paths] == [
    'one.yml',
    'benign.yml',
    'both.yml',
    'large.yml',
    'list.yml',
    'two.yaml',
  ]
  assert script.tables([script.verdict(path) for path in paths]) == (
    """3 converted:

| files | data set | model | attack |
|---|---|---|---|
| 2 | mnist | dev | model_replacement of label_flip |
| 1 | mnist | dev | nobody attacks |

3 refused, some for several reasons:

| files | for this reason alone | reason |
|---|---|---|
| 2 | 1 | 'resnet50' has no counterpart |
| 1 | 0 | 'linf' clips each weight |
| 1 | 1 | is no configuration of the reference code |"""
  )


def test_folder_that_is_not_there(script, tmp_path):
  with pytest.raises(SystemExit, match='is no folder'):
    script.files([str(tmp_path / 'none')])
