import pytest

from flsec.config.tracked_mapping import ANYTHING, TrackedMapping


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


def test_boolean_is_no_number():
  source = TrackedMapping({'a': True})
  assert source.get('a', int, 7) == 7 and source.get('a', float, 0.5) == 0.5
  assert source.refusals == [
    'a: expected int; found True (a boolean)',
    'a: expected float; found True (a boolean)',
  ]


@pytest.mark.parametrize('value', [True, False, 'x', [1], 0.5])
def test_anything_is_any_type(value):
  source = TrackedMapping({'a': value})
  assert source.get('a', ANYTHING) is value and source.refusals == []


@pytest.mark.parametrize('value', [None, False, 0, '', [], {}, 3])
def test_what_does_nothing_is_not_set_and_dropped_without_a_word(value):
  source = TrackedMapping({'a': value})
  assert not source.is_set('a', unless=3)
  source.drop('a', 'no use', unless=3)
  assert source.notes == [] and source.unread() == []


def test_paths_are_called_what_they_are_called_in_the_file():
  source = TrackedMapping({'a': {'b': 'x', 'c': 1}}, {'a.b': 'old'})
  source.get('a.b', int)
  source.drop('a.b', 'no use')
  assert source.refusals == ["old: expected int; found 'x' (a string)"]
  assert source.notes == ["old: 'x' is not carried over: no use"]
  assert source.unread() == ['a.c']


@pytest.mark.parametrize('wanted', [int, float, bool, list])
def test_ill_typed_value_is_refused(source, wanted):
  assert source.get('a.c', wanted, 7) == 7
  assert source.refusals == [
    f"a.c: expected {wanted.__name__}; found 'x' (a string)"
  ]


def test_what_was_not_read_is_listed(source):
  source.get('a.b', int)
  source.drop('d', 'no use')
  assert source.unread() == ['a.c', 'e']


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
