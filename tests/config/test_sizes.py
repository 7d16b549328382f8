import pytest

from flsec.config import loading, sizes
from flsec.config.errors import ConfigError

_SWEEP = {
  'rule': {'mean': {}, 'krum': {'server.aggregator': 'krum'}},
  'seed': [1, 2],
}


def test_a_file_without_sizes_has_one(write):
  assert sizes.names({}, 'f') == ['full']
  assert len(loading.load_cells(write(sweep=_SWEEP), size='full')) == 4


def test_a_size_changes_values_and_the_sweep_and_has_its_own_name(write):
  path = write(
    sweep=_SWEEP,
    sizes={'tiny': {'rounds': 1, 'sweep': {'rule': ['krum'], 'seed': [5]}}},
  )
  (cell,) = loading.load_cells(path, size='tiny')
  assert cell.name == 'rule=krum,seed=5'
  assert cell.labels == {'rule': 'krum', 'seed': '5'}
  assert (cell.experiment.name, cell.experiment.rounds) == ('small_tiny', 1)
  full = loading.load_cells(path)
  assert {cell.experiment.rounds for cell in full} == {3}
  assert {cell.experiment.name for cell in full} == {'small'}


def test_flags_come_after_the_size(write):
  path = write(sweep=_SWEEP, sizes={'tiny': {'rounds': 1}})
  cells = loading.load_cells(
    path, ['rounds=2'], sweeps=['rule=[mean]'], size='tiny'
  )
  assert [cell.name for cell in cells] == [
    'rule=mean,rounds=2,seed=1',
    'rule=mean,rounds=2,seed=2',
  ]


@pytest.mark.parametrize(
  'set_by_it, changed, is_smaller',
  [
    ({'name': 'first'}, set(), False),
    ({'model.standardize': [0, 1]}, {'model.standardize'}, False),
    ({'rounds': 1}, {'rounds'}, True),
    ({'clients.num_clients': 2}, {'clients.num_clients'}, True),
    ({'dataset': {'name': 'mnist'}, 'seed': 2}, {'dataset', 'seed'}, True),
    ({'model': 'mlp'}, {'model'}, True),
  ],
)
def test_what_a_size_changes(set_by_it, changed, is_smaller):
  raw = {'sizes': {'own': {'sweep': {'seed': [1]}, **set_by_it}}}
  assert sizes.changed(raw, 'own') == changed
  assert sizes.is_smaller(raw, 'own') is is_smaller
  assert not sizes.changed(raw, 'full') and not sizes.is_smaller(raw, 'full')


@pytest.mark.parametrize(
  'given, size, message',
  [
    ({'small': {'rounds': 1}}, 'smal', "has no 'smal'; did you mean 'small'"),
    (None, 'small', "has no 'small'. Sizes: full"),
    ([1], 'small', 'expected what each size changes'),
    ({'small': 3}, 'small', 'expected what each size changes'),
    ({'full': {'rounds': 1}}, 'full', 'is the file as it stands'),
    ({'small': {'sweep': 3}}, 'small', r'small\.sweep: expected a mapping'),
    ({'small': {'seed': 3}}, 'small', 'is varied by `sweep: seed'),
    ({'small': {'rounds': 'x'}}, 'small', 'rounds: expected'),
  ],
)
def test_refusals(write, given, size, message):
  with pytest.raises(ConfigError, match=message):
    loading.load_cells(write(sweep=_SWEEP, sizes=given), size=size)


class TestSectionsThatACaseLeavesOut:
  """What is said below them holds in the other cells."""

  _SWEEP = {'threat': {'none': {'attack': None}, 'flip': {'attack.every': 2}}}

  def _starts(self, cells):
    return [
      cell.experiment.attack and cell.experiment.attack.start_round
      for cell in cells
    ]

  def test_by_a_size(self, write):
    path = write(sweep=self._SWEEP, sizes={'small': {'attack.start_round': 2}})
    assert self._starts(loading.load_cells(path, size='small')) == [None, 2]
    assert self._starts(loading.load_cells(path)) == [None, 1]

  def test_by_a_flag(self, write):
    cells = loading.load_cells(
      write(sweep=self._SWEEP), ['attack.start_round=2']
    )
    assert self._starts(cells) == [None, 2]

  def test_what_a_case_sets_is_still_refused(self, write):
    with pytest.raises(ConfigError, match=r'is varied by `sweep: attack.every'):
      loading.load_cells(write(sweep=self._SWEEP), ['attack.every=3'])


def test_a_size_may_set_what_only_a_case_that_it_drops_does(write):
  varied = {'model': {'small': {}, 'large': {'rounds': 9}}}
  path = write(
    sweep=varied, sizes={'tiny': {'rounds': 1, 'sweep': {'model': ['small']}}}
  )
  (cell,) = loading.load_cells(path, size='tiny')
  assert cell.experiment.rounds == 1
