import math
import pathlib

import pytest

from flsec.config import yaml_file
from flsec.config.errors import ConfigError


class TestRefusals:
  @pytest.mark.parametrize(
    'text, message',
    [
      (
        'a: 1\nb: 2\na: 3',
        "line 3, column 1: the key 'a' stands here a second",
      ),
      ('x:\n  a: 1\n  a: 2', "line 3, column 3: the key 'a'"),
      ('1: a', 'found the key 1; a key is a word'),
      ('true: a', 'found the key True'),
      ('a: [1, 2', 'line 1'),
      ('a: 1\n b: 2', 'line 2, column 3'),
      ('a: "x', 'line 1'),
      ('a: !!python/object:os.system x', 'could not determine a constructor'),
      ('\x00', 'not readable as YAML'),
    ],
  )
  def test_bad_text_names_line_and_problem(self, text, message):
    with pytest.raises(ConfigError) as error:
      yaml_file.parse(text, 'my.yaml')
    assert str(error.value).startswith('my.yaml: ')
    assert message in str(error.value)

  def test_missing_file_is_named(self, tmp_path):
    path = str(tmp_path / 'absent.yaml')
    with pytest.raises(ConfigError, match=r'absent\.yaml: cannot be read'):
      yaml_file.read(path)

  @pytest.mark.parametrize('text', ['', '- 1', 'word', '3'])
  def test_file_that_is_no_mapping(self, tmp_path, text):
    path = tmp_path / 'list.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match='an experiment is a mapping'):
      yaml_file.read(str(path))

  def test_binary_file(self, tmp_path):
    path = tmp_path / 'binary.yaml'
    path.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(ConfigError, match='cannot be read'):
      yaml_file.read(str(path))


class TestValues:
  @pytest.mark.parametrize(
    'text, value',
    [
      ('1e-3', 0.001),
      ('1E5', 1e5),
      ('-2.5e+2', -250.0),
      ('.5e1', 5.0),
      ('10', 10),
      ('0.1', 0.1),
      ('true', True),
      ('null', None),
      ('[1, a]', [1, 'a']),
      ('{name: krum, k: 2}', {'name': 'krum', 'k': 2}),
      ('"1e-3"', '1e-3'),
      ('e5', 'e5'),
      ('', None),
    ],
  )
  def test_scalar_types(self, text, value):
    found = yaml_file.parse(text, '')
    assert found == value
    assert type(found) is type(value)

  def test_own_keys_win_over_merged_ones(self):
    text = 'a: &x {k: 1, m: 2}\nb: {<<: *x, m: 3}'
    assert yaml_file.parse(text, '')['b'] == {'k': 1, 'm': 3}


class TestRoundTrip:
  @pytest.mark.parametrize(
    'value',
    [
      {'a': 1e-7, 'b': 'x: y', 'c': [1, 2.0, None, True]},
      {'text': '1e-3', 'number': '12', 'yes': 'true', 'empty': ''},
      {'umlaut': 'Grün', 'lines': 'a\nb', 'hash': '# no'},
      {'nested': {'deep': [{'name': 'krum'}, {'name': 'mean'}]}},
      {'infinite': math.inf},
    ],
  )
  def test_written_values_read_back(self, value):
    assert yaml_file.parse(yaml_file.write(value), '') == value

  def test_shared_values_are_written_out(self):
    shared = {'k': [1]}
    text = yaml_file.write({'a': shared, 'b': shared})
    assert '&' not in text and '*' not in text

  def test_order_is_kept(self, tmp_path: pathlib.Path):
    path = tmp_path / 'order.yaml'
    path.write_text(yaml_file.write({'z': 1, 'a': 2}))
    assert list(yaml_file.read(str(path))) == ['z', 'a']
