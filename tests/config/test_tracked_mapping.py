import pytest

from flsec.config.tracked_mapping import TrackedMapping


@pytest.fixture
def source():
  return TrackedMapping({'a': {'b': 1, 'c': 'x', 'n': None}, 'd': [1], 'e': {}})


@pytest.mark.parametrize(
  'path, wanted, value',
  [
    ('a.b', int, 1),
    ('a.b', float, 1.0),
    ('a.b', bool, True),
    ('a.c', str, 'x'),
    ('a.n', int, 'default'),
    ('a.x.y', int, 'default'),
    ('a.c.deeper', int, 'default'),
    ('d', list, [1]),
  ],
)
def test_value_of_the_wanted_type(source, path, wanted, value):
  found = source.get(path, wanted, 'default')
  assert found == value and type(found) is type(value)
  assert source.notes == []


def test_switch_that_is_a_boolean_counts_as_0_or_1():
  assert TrackedMapping({'a': True}).get('a', int) == 1


@pytest.mark.parametrize('wanted', [int, float, bool, list])
def test_ill_typed_value_is_noted_and_left_out(source, wanted):
  assert source.get('a.c', wanted, 7) == 7
  assert source.notes == [
    f"a.c: expected {wanted.__name__}; found 'x' (a string)"
  ]


def test_what_was_not_read_is_listed(source):
  source.get('a.b', int)
  source.drop('d', 'no use')
  assert source.unread() == ['a.c', 'a.n', 'e']


def test_reading_a_section_reads_all_of_it(source):
  source.drop('a', 'no use')
  assert source.unread() == ['d', 'e']


def test_drop_notes_the_value_unless_it_is_harmless(source):
  source.drop('a.b', 'too small', unless=1)
  source.drop('a.n', 'nothing there')
  assert source.notes == []
  source.drop('a.b', 'too small', unless=2)
  assert source.notes == ['a.b: 1 is not carried over: too small']
  source.drop('d', 'a list')
  assert source.notes[-1] == 'd: is not carried over: a list'


def test_has(source):
  assert source.has('a.b') and not source.has('a.n') and not source.has('z')
