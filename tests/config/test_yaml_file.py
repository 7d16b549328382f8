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


def bomb(levels, width=10):
  """Returns a text of some lines that stands for width ** levels values."""
  lines = ['a0: &a0 [' + ', '.join(['1'] * width) + ']']
  for level in range(1, levels):
    inner = ', '.join([f'*a{level - 1}'] * width)
    lines.append(f'a{level}: &a{level} [{inner}]')
  return '\n'.join(lines)


class TestLimits:
  """What would take all memory, or all day, is refused as it is read."""

  @pytest.mark.parametrize(
    ('text', 'message'),
    [
      (f'a: {"9" * 400}', r'line 1, column 4: the number 9{20}\.\.\. has more'),
      (f'a: {"9" * 100_000}', 'has more than 64 bits'),
      (f'a: -{"9" * 20}', 'has more than 64 bits'),
      (f'a: 0x{"f" * 17}', 'has more than 64 bits'),
      ('a: ' + '[' * 300 + ']' * 300, 'nested deeper than 40 levels'),
      ('a: ' + '[' * 100_000, 'nested deeper than 40 levels'),
      ('a: ' + '{b: ' * 300 + '1' + '}' * 300, 'nested deeper than 40'),
      ('\n'.join(' ' * i + 'a:' for i in range(300)), 'nested deeper than 40'),
      (bomb(6), r'line 5, .*stands for more than 100,000 values'),
      (bomb(60), 'stands for more than 100,000 values'),
      (bomb(60, width=2), 'stands for more than 100,000 values'),
      ('a: &a [*a]', 'or for itself'),
      ('a: &a {b: *a}', 'or for itself'),
      ('a: &a {<<: *a}', 'or for itself'),
      ('a: "' + 'b' * 2**20 + '"', 'has 1,048,581 characters; at most'),
    ],
  )
  def test_refused(self, text, message):
    with pytest.raises(ConfigError, match=message):
      yaml_file.parse(text, 'x.yaml')

  @pytest.mark.parametrize(
    ('text', 'value'),
    [
      (str(2**63 - 1), 2**63 - 1),
      (str(-(2**63)), -(2**63)),
      ('0x1F', 31),
      ('1_000', 1000),
      ('[' * 39 + ']' * 39, None),
      ('[&a [1, 2], *a, *a]', [[1, 2]] * 3),
    ],
  )
  def test_taken(self, text, value):
    found = yaml_file.parse(text, '')
    assert value is None or found == value

  def test_a_file_without_end_is_not_read_to_it(self):
    with pytest.raises(ConfigError, match='/dev/zero: has 1,048,577 char'):
      yaml_file.read('/dev/zero')
