import os

import pytest

from flsec import registry

_HEADER = 'from __future__ import annotations\nfrom flsec import registry\n'


@pytest.fixture
def plugin(tmp_path, monkeypatch):
  """`plugin(source, name='p.py')` adds a file; it is forgotten afterwards."""
  monkeypatch.setattr(registry, '_plugins', [])

  def add(source, name='p.py'):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(_HEADER + source)
    registry.add_plugin(str(path))
    return path

  return add


_DOUBLE = (
  '@registry.model("double", paper="A, B 2020")\n'
  'def double(*, factor: int = 2, text: str):\n'
  '  """Doubles.\n\n  More."""\n'
  '  return text * factor\n'
)


class TestEntries:
  def test_is_read_from_the_source_text(self, plugin):
    path = plugin(_DOUBLE)
    entry = registry.entry('model', 'double')
    assert (entry.summary, entry.paper) == ('Doubles.', 'A, B 2020')
    assert entry.option_names == ('factor', 'text')
    factor, text = entry.options
    assert (factor.annotation, factor.default) == ('int', 2)
    assert text.is_required and not factor.is_required
    assert entry.path == path

  def test_options_that_came_later_are_named(self, plugin):
    plugin(
      '@registry.model("m", later=("width",))\ndef m(*, width: int = 3): ...'
    )
    assert registry.entry('model', 'm').later == ('width',)
    assert registry.entry('model', 'mlp').later == ()

  @pytest.mark.parametrize('kind', registry.KINDS)
  def test_only_options_with_a_default_come_later(self, kind):
    for entry in registry.entries(kind).values():
      own = {option.name: option for option in entry.options}
      assert not any(own[name].is_required for name in entry.later)

  def test_in_alphabetical_order(self):
    for kind in registry.KINDS:
      names = list(registry.entries(kind))
      assert names == sorted(names)

  @pytest.mark.parametrize('kind', ['attack', 'aggregator', 'dataset', 'model'])
  def test_every_shipped_component_says_what_it_is(self, kind):
    assert registry.entries(kind)
    for entry in registry.entries(kind).values():
      assert entry.summary, f'{entry.path} has no docstring'
      assert len(entry.summary) <= 80, entry.summary

  def test_what_the_data_set_settles_is_no_setting(self, plugin):
    plugin(
      '@registry.model("m")\n'
      'def m(*, input_shape: tuple, num_classes: int, width: int = 3): ...'
    )
    entry = registry.entry('model', 'm')
    assert [option.name for option in entry.settings] == ['width']
    assert 'input_shape' in entry.option_names

  def test_default_that_is_no_literal_is_kept_as_its_text(self, plugin):
    plugin('@registry.model("m")\ndef m(*, a=math.pi, b="text"): ...')
    first, second = registry.entry('model', 'm').options
    assert isinstance(first.default, registry.Expression)
    assert first.default == 'math.pi'
    assert not isinstance(second.default, registry.Expression)

  def test_decorator_may_be_written_in_full(self, plugin):
    plugin('import flsec\n@flsec.registry.model(name="m")\ndef m(): ...')
    assert registry.entry('model', 'm').paper == ''

  def test_other_decorators_are_left_alone(self, plugin):
    plugin(
      'import functools\n'
      '@functools.cache\n@other.model("x")\n@registry.model("m")\n'
      'def m(): ...\n'
    )
    assert 'm' in registry.entries('model')
    assert 'x' not in registry.entries('model')

  def test_file_that_changed_is_read_again(self, plugin):
    path = plugin(_DOUBLE)
    registry.entries('model')
    path.write_text(path.read_text().replace('"double"', '"triple"'))
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))
    assert 'triple' in registry.entries('model')


class TestRefusals:
  def test_unknown_name_names_the_closest(self):
    with pytest.raises(ValueError, match="'lenet'; did you mean 'lenet5'"):
      registry.entry('model', 'lenet')

  def test_nothing_close_lists_what_there_is(self):
    with pytest.raises(ValueError, match=r"'zzz'\. Allowed: .*lenet5"):
      registry.entry('model', 'zzz')

  def test_unknown_option(self, plugin):
    plugin(_DOUBLE)
    with pytest.raises(ValueError, match="'facto'; did you mean 'factor'"):
      registry.build('model', 'double', facto=3)

  def test_missing_option(self, plugin):
    plugin(_DOUBLE)
    with pytest.raises(ValueError, match="needs the option 'text'"):
      registry.build('model', 'double')

  def test_two_of_one_name(self, plugin):
    plugin(_DOUBLE)
    plugin(_DOUBLE, 'other.py')
    with pytest.raises(ValueError, match="Two models are named 'double'"):
      registry.entries('model')

  @pytest.mark.parametrize(
    'source, message',
    [
      ('x = 1', 'registers nothing'),
      ('def (', 'cannot be read as Python'),
      ('N = "m"\n@registry.model(N)\ndef m(): ...', 'literal strings'),
      ('@registry.model()\ndef m(): ...', 'literal strings'),
      ('@registry.model("m", paper=P)\ndef m(): ...', 'literal strings'),
    ],
  )
  def test_plugin_that_cannot_be_used(self, plugin, source, message):
    with pytest.raises(ValueError, match=message):
      plugin(source)

  def test_plugin_that_is_not_there(self):
    with pytest.raises(ValueError, match=r'absent\.py does not exist'):
      registry.add_plugin('absent.py')


class TestBuild:
  def test_calls_the_component(self, plugin):
    plugin(_DOUBLE)
    assert registry.build('model', 'double', text='ab') == 'abab'

  def test_plugins_of_one_file_name_stay_apart(self, plugin):
    plugin('@registry.model("m1")\ndef m(): return 1', 'a/p.py')
    plugin('@registry.model("m2")\ndef m(): return 2', 'b/p.py')
    assert registry.build('model', 'm1') == 1
    assert registry.build('model', 'm2') == 2

  def test_plugin_added_twice_counts_once(self, plugin):
    path = plugin(_DOUBLE)
    registry.add_plugin(str(path))
    assert registry.build('model', 'double', text='x') == 'xx'

  @pytest.mark.parametrize(
    'annotation', ['Rule', 'rule.Rule', 'Optional[Rule]', 'Sequence[Rule]']
  )
  def test_components_within_are_built_first(self, plugin, annotation):
    plugin(
      '@registry.aggregator("inner")\ndef i(*, k: int = 1): return ("in", k)\n'
      f'@registry.aggregator("outer")\ndef o(*, rule: {annotation}):\n'
      '  return rule\n'
    )
    assert registry.build('aggregator', 'outer', rule='inner') == ('in', 1)
    nested = {'name': 'inner', 'k': 5}
    assert registry.build('aggregator', 'outer', rule=nested) == ('in', 5)
    several = registry.build('aggregator', 'outer', rule=['inner', nested])
    assert several == (('in', 1), ('in', 5))

  def test_other_options_are_passed_as_they_are(self, plugin):
    plugin('@registry.model("m")\ndef m(*, a: dict, b: Ruler): return a, b')
    given = {'name': 'krum'}
    assert registry.build('model', 'm', a=given, b='x') == (given, 'x')
