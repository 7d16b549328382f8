"""Shares of another cell's number, and how a catalogue asks for them."""

import pathlib

import pytest

from flsec.catalogue import measures, papers, shares
from flsec.catalogue.measures import Measure
from flsec.catalogue.results import Result
from flsec.config.errors import ConfigError

_MEASURES = {
  'volume': Measure(('critical_volume_mib',)),
  'share': Measure((), 100.0, False, 'volume', {'rule': 'fltrust'}),
}


def _entry(own=None):
  here = pathlib.Path('mine')
  return papers.Entry(
    *('mine', 'table1', 'Table 1', 'volumes', None, here / 'table1.csv', 1),
    *((), _MEASURES if own is None else own, (), ()),
  )


def _volume(attack, rule, seed, value, size='full', measure='volume'):
  keys = {'attack': attack, 'rule': rule}
  last = ('run', 'fingerprint', '0.1.0', 'commit')
  return Result(keys, measure, size, seed, value, 2500, *last)


def _shares(found):
  return {
    (*one.keys.values(), one.seed, one.size): one.value
    for one in shares.with_shares(_entry(), found)
    if one.measure == 'share'
  }


def test_a_share_is_of_the_same_attack_seed_and_size():
  found = [
    _volume('none', 'fltrust', 1, 500.0),
    _volume('none', 'fltrust', 2, 400.0),
    _volume('none', 'feder', 1, 100.0),
    _volume('none', 'feder', 2, 90.0),
    _volume('none', 'feder', 1, 30.0, size='small'),
    _volume('none', 'fltrust', 1, 60.0, size='small'),
    _volume('krum', 'feder', 1, 100.0),
    _volume('none', 'feder', 1, 0.9, measure='accuracy'),
  ]
  # 100 of 500, 90 of 400, 30 of 60 MiB; under Krum there is nothing to divide
  # by, and FLTrust's share of itself says nothing.
  assert _shares(found) == {
    ('none', 'feder', 1, 'full'): pytest.approx(20.0),
    ('none', 'feder', 2, 'full'): pytest.approx(22.5),
    ('none', 'feder', 1, 'small'): pytest.approx(50.0),
  }
  assert shares.with_shares(_entry(), found)[: len(found)] == found


def test_a_run_that_never_got_there_has_no_share():
  assert _shares(
    [_volume('none', 'fltrust', 1, 500.0), _volume('none', 'feder', 1, None)]
  ) == {('none', 'feder', 1, 'full'): None}
  # Nor is anything a share of what never was.
  assert not _shares(
    [_volume('none', 'fltrust', 1, None), _volume('none', 'feder', 1, 100.0)]
  )


def test_nothing_is_added_where_no_share_is_asked_for():
  found = [_volume('none', 'fltrust', 1, 500.0)]
  own = {'volume': _MEASURES['volume']}
  assert shares.with_shares(_entry(own), found) == found


def test_a_catalogue_asks_for_a_share():
  raw = {
    'volume': {'of': ['critical_volume_mib']},
    'share': {'share_of': 'volume', 'against': {'rule': 'fltrust'}},
  }
  found = measures.read(raw, 'measures', pathlib.Path('catalogue.yaml'))
  assert found == {
    'volume': Measure(('critical_volume_mib',)),
    'share': Measure((), 1.0, False, 'volume', {'rule': 'fltrust'}),
  }


@pytest.mark.parametrize(
  'given, words',
  [
    ({'times': 100}, r'measures\.share\.of.* is missing'),
    ({'of': ['a'], 'tmies': 1}, r'measures\.share\.tmies.*times'),
    (
      {'share_of': 'volume', 'against': {'rule': 'x'}, 'one_minus': True},
      r'one_minus.* is no key here',
    ),
    ({'share_of': 'volume'}, r'measures\.share\.against.* is missing'),
    (
      {'share_of': 'volumes', 'against': {'rule': 'fltrust'}},
      "there is no measure 'volumes'",
    ),
    ({'share_of': 'volume', 'against': 'fltrust'}, 'expected a mapping'),
    ('accuracy', 'expected a mapping'),
  ],
)
def test_what_is_no_measure_is_refused(given, words):
  raw = {'volume': {'of': ['critical_volume_mib']}, 'share': given}
  with pytest.raises(ConfigError, match=words):
    measures.read(raw, 'measures', pathlib.Path('catalogue.yaml'))
