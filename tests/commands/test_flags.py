"""Flags, read with absl and without."""

import pytest

from flsec.commands import flags


@pytest.fixture
def declared():
  """Flags of every kind."""
  values = flags.FlagValues()
  one = {'flag_values': values}
  flags.DEFINE_string('name', None, 'A name.', short_name='n', **one)
  flags.DEFINE_bool('resume', True, 'Whether.', **one)
  flags.DEFINE_integer('jobs', None, 'How many.', lower_bound=1, **one)
  flags.DEFINE_float('font', 9.0, 'How large.', upper_bound=30, **one)
  flags.DEFINE_enum('table', 'text', ['text', 'csv'], 'How.', **one)
  flags.DEFINE_list('format', [], 'Which.', **one)
  flags.DEFINE_multi_string('set', [], 'What.', **one)
  flags.take_from_absl('verbosity', -1, 'How much.', **one)
  return values


def test_defaults_need_no_absl(declared, monkeypatch):
  monkeypatch.setitem(__import__('sys').modules, 'absl', None)
  assert declared(['run', 'a', 'b']) == ['run', 'a', 'b']
  assert declared.name is None and declared.resume is True
  assert (declared.jobs, declared.font, declared.table) == (None, 9.0, 'text')
  assert declared.format == declared.set == [] and declared.verbosity == -1


def test_defaults_are_those_that_absl_gives(declared):
  declared(['run'])
  without = {name: getattr(declared, name) for name in declared.declared}
  declared(['run', '--resume'])
  assert without == {name: getattr(declared, name) for name in without}


def test_lists_are_the_callers_own(declared):
  declared(['run'])
  declared.set.append('a=1')
  declared(['run'])
  assert declared.set == []


def test_words_are_read_wherever_they_stand(declared):
  words = ['run', 'a.yaml', '--noresume', '-n', 'x', '--set=a=1']
  words += ['--set', 'b=2', '--jobs=2', '--format=pdf,tex', '--table=csv', 'c']
  assert declared(words) == ['run', 'a.yaml', 'c']
  assert declared.resume is False and declared.name == 'x'
  assert declared.set == ['a=1', 'b=2'] and declared.jobs == 2
  assert declared.format == ['pdf', 'tex'] and declared.table == 'csv'


@pytest.mark.parametrize(
  'word, message',
  [
    ('--jobs=0', 'flag --jobs=0'),
    ('--jobs=x', 'flag --jobs=x'),
    ('--table=html', 'flag --table=html'),
  ],
)
def test_values_that_are_refused(declared, word, message):
  with pytest.raises(flags.Error, match=message):
    declared(['run', word])


def test_unknown_flag_is_named(declared):
  with pytest.raises(flags.UnknownFlagError) as raised:
    declared(['run', '--jbs=1'])
  assert raised.value.flag == 'jbs'


def test_a_flag_that_is_none(declared):
  with pytest.raises(AttributeError, match='no flag --other'):
    declared.other  # noqa: B018
