import copy

import pytest

from flsec.config import overrides
from flsec.config.errors import ConfigError
from flsec.config.overrides import Override


def _apply(raw, *texts):
  return overrides.apply(raw, [overrides.parse(text) for text in texts])


class TestParse:
  @pytest.mark.parametrize(
    'text, path, value',
    [
      ('seed=2', 'seed', 2),
      ('a.b=1e-3', 'a.b', 0.001),
      ('a.b=x=y', 'a.b', 'x=y'),
      ('a.b=', 'a.b', None),
      ('a.b=null', 'a.b', None),
      ('a.b=true', 'a.b', True),
      ('a.b="true"', 'a.b', 'true'),
      ('a.b=[1, {k: v}]', 'a.b', [1, {'k': 'v'}]),
      ('a[0].b=1', 'a.0.b', 1),
      (' a.b =1', 'a.b', 1),
    ],
  )
  def test_value_is_yaml(self, text, path, value):
    found = overrides.parse(text)
    assert (found.path, found.value) == (path, value)
    assert found.source == f'--set={text}'

  @pytest.mark.parametrize('text', ['seed', '=2', '.a=2', 'a..b=2', 'a.=2', ''])
  def test_no_path_or_value(self, text):
    with pytest.raises(ConfigError, match='expected --set=path'):
      overrides.parse(text)

  def test_bad_yaml_names_the_flag(self):
    with pytest.raises(ConfigError, match=r'^--sweep=a=\[1: line 1'):
      overrides.parse('a=[1', '--sweep')


class TestApply:
  def test_values_are_set_in_order_and_the_original_stays(self):
    raw = {'a': {'b': 1}, 'c': [1, {'d': 2}]}
    before = copy.deepcopy(raw)
    found = _apply(raw, 'a.b=2', 'c.1.d=3', 'c.0=9', 'a.b=5')
    assert found == {'a': {'b': 5}, 'c': [9, {'d': 3}]}
    assert raw == before

  def test_missing_and_null_sections_are_made(self):
    assert _apply({}, 'a.b.c=1') == {'a': {'b': {'c': 1}}}
    assert _apply({'a': None}, 'a.b=1') == {'a': {'b': 1}}

  def test_component_that_is_only_named_keeps_its_name(self):
    raw = {'server': {'aggregator': 'krum'}}
    found = _apply(raw, 'server.aggregator.num_byzantine=3')
    assert found['server']['aggregator'] == {
      'name': 'krum',
      'num_byzantine': 3,
    }

  @pytest.mark.parametrize(
    'text, message',
    [
      (
        'c.2=1',
        r'c\.2: a list takes the number of an entry here; allowed: 0 to',
      ),
      ('c.x=1', r'c\.x: a list takes the number'),
      ('c.-1=1', r'c\.-1: a list takes'),
      ('e.0=1', 'none: the list is empty'),
      ('n.x=1', "n: is 3, which has no part 'x'"),
    ],
  )
  def test_path_that_leads_nowhere(self, text, message):
    with pytest.raises(ConfigError, match=message) as error:
      _apply({'c': [1, 2], 'e': [], 'n': 3}, text)
    assert error.value.source == f'--set={text}'

  def test_a_value_that_is_set_and_then_changed_stays_what_it_was(self):
    # Cells of a sweep share it.
    attack = {'name': 'scaling', 'attack': {'trigger': 'patch'}}
    first = Override('attack', attack, '')
    changed = overrides.apply(
      {}, [first, Override('attack.attack.trigger', 'pixel', '')]
    )
    assert changed['attack']['attack'] == {'trigger': 'pixel'}
    assert overrides.apply({}, [first]) == {'attack': attack}
    assert attack['attack'] == {'trigger': 'patch'}

  def test_applying_none_changes_nothing(self):
    assert overrides.apply({'a': 1}, []) == {'a': 1}


class TestBlame:
  @pytest.mark.parametrize(
    'path, override, blamed',
    [
      ('attack.scale', 'attack.scale', True),
      ('attack.rule.name', 'attack.rule', True),
      ('servr', 'servr.x', True),
      ('attack.scale', 'attack.scal', False),
      ('attack.scale', 'seed', False),
      ('', 'seed', False),
    ],
  )
  def test_flag_that_set_the_value_is_named(self, path, override, blamed):
    error = ConfigError(path, 'is wrong.', 'my.yaml')
    flag = Override(override, 1, '--set=it')
    found = overrides.blame(error, [flag])
    assert found.source == ('--set=it' if blamed else 'my.yaml')

  def test_last_flag_wins(self):
    flags = [Override('a', 1, 'first'), Override('a', 2, 'last')]
    assert overrides.blame(ConfigError('a', 'x'), flags).source == 'last'
