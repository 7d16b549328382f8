"""The papers' numbers: their form, and values that their texts confirm."""

import pathlib

import numpy as np
import pytest

from flsec.catalogue import printed
from flsec.config.errors import ConfigError

_FOLDER = pathlib.Path(__file__).resolve().parents[2] / 'experiments'
_FILES = sorted(_FOLDER.glob('*/printed/*.csv'))
# How many numbers each table has: rows times columns, counted in the papers.
_COUNTS = {
  'flap/table1': 13 * 3 * 2 * 2,
  # Of each cell round, volume, share, accuracy; success under two backdoors.
  'feder/table1': 15 * 4 + 6,
  'feder/table3': 3 * (15 * 4 + 6),
  'feder/table4': 20 * 3 + 8,
  'feder/table5': 35 * 3 + 14,
  'hybrid_sparse/table3': 4 * 4,
  'hybrid_sparse/table4': 5 * 4,
  # Multi-Krum has no ratio of indices.
  'hybrid_sparse/table5': 4 * 5,
  'hybrid_sparse/table6': 31 * 8,
  'hybrid_sparse/table7': 31 * 8,
  'federated_pruning/table1': 5 * 8,
  'federated_pruning/table2': 18 * 8,
  'federated_pruning/table3': 18 * 3,
  'federated_pruning/table4': 18 * 6,
  'federated_pruning/table5': 9 * 8,
  'federated_pruning/table6': 9 * 8,
  'agramplifier/table1': 5 * 4 * 11,
  'agramplifier/table2': 5 * 7,
  'agramplifier/table3': 5 * 11,
  'agramplifier/table4': 3 * 6,
  'agramplifier/table5': 5,
}


def _name(path):
  return f'{path.parent.parent.name}/{path.stem}'


def _values(name, **keys):
  """Returns the values of the rows that have these keys, in order."""
  paper, table = name.split('/')
  rows = printed.read(_FOLDER / paper / 'printed' / f'{table}.csv')
  return np.array(
    [
      row.value
      for row in rows
      if {**row.keys, 'measure': row.measure}.items() >= keys.items()
    ],
    np.float64,
  )


def test_every_table_is_there():
  assert {_name(path): printed.count(path) for path in _FILES} == _COUNTS


@pytest.mark.parametrize('path', _FILES, ids=_name)
def test_form(path):
  rows = printed.read(path)
  for row in rows:
    assert row.where.startswith('Table ')
    if row.unit == '%' and row.measure != 'volume_share':
      assert 0 <= row.value <= 100
    if row.unit == '1' and row.measure != 'drift_norm':
      assert 0 <= row.value <= 1
  # A table is a grid: all cells of one measure have the same keys.
  assert len({tuple(row.keys) for row in rows}) == 1


@pytest.mark.parametrize(
  'name, keys, value',
  [
    (
      'flap/table1',
      {'rule': 'multi_krum_r_err_lfr', 'attack': 'full', 'pruning': 'flap'},
      [17.9, 46.9],
    ),
    (
      'flap/table1',
      {'rule': 'fedavg', 'attack': 'partial'},
      [62.8, 20.0] + 2 * [10.1],
    ),
    (
      'feder/table1',
      {'attack': 'avgbn', 'defense': 'fltrust'},
      [830, 390.75, 100, 0.87, 0.97],
    ),
    ('feder/table4', {'attack': 'krum', 'gamma': '0.99'}, [480, 93.59, 0.93]),
    ('feder/table5', {'attack': 'lf', 'factors': 'n1_n3'}, [530, 103.86, 0.95]),
    ('hybrid_sparse/table5', {'z': '1.5'}, [0, 87.4, 0, 0, 86.54]),
    (
      'hybrid_sparse/table7',
      {'attack': 'force_critical_fc_0.005', 'rule': 'gas_bulyan'},
      [9.24],
    ),
    (
      'federated_pruning/table2',
      {'victim': '8', 'target': '9'},
      [98.3, 100, 34, 96.3, 97.8, 37, 95, 99.5],
    ),
    (
      'federated_pruning/table6',
      {'target': '8', 'defence': 'fine_tuned'},
      [71.5, 49.9],
    ),
    (
      'agramplifier/table1',
      {'dataset': 'location30', 'attack': 'g_asc'},
      [8.48, 16.95, 0.5, 3.77, 5.96, 1.89, 3.14, 3.4, 4.28, 5.74, 8.67],
    ),
    (
      'agramplifier/table2',
      {'dataset': 'texas100', 'defense': 'fltrust_amp'},
      [63.76],
    ),
    ('agramplifier/table5', {'dataset': 'texas100'}, [0.30]),
  ],
)
def test_values_read_off_the_paper_by_hand(name, keys, value):
  np.testing.assert_array_equal(_values(name, **keys), value)


class TestWhatTheTextsSay:
  """Sums, means and differences that the papers' prose gives."""

  def test_flap_section_5_3(self):
    # "reduces the error rate by up to 12.5 % for the trimmed mean (P mode) and
    # 2.7 % for the multi-Krum (P mode)", under label flipping.
    for rule, drop in (('trimmed_mean_p', 12.5), ('multi_krum_p', 2.7)):
      pair = _values(
        'flap/table1', rule=rule, attack='label_flip', measure='error_rate'
      )
      assert pair[0] - pair[1] == pytest.approx(drop)
    # "10.2 % (multi-Krum R mode) and 22.1 % (multi-Krum C mode)", with ERR +
    # LFR under full knowledge.
    for rule, measure, drop in (
      ('multi_krum_r_err_lfr', 'error_rate', 10.2),
      ('multi_krum_c_err_lfr', 'accuracy', -22.1),
    ):
      pair = _values('flap/table1', rule=rule, attack='full', measure=measure)
      assert pair[0] - pair[1] == pytest.approx(drop)

  @pytest.mark.parametrize(
    'name, keys, per_round',
    [
      ('feder/table1', {}, 0.47078),
      ('feder/table3', {'dataset': 'mnist_0.1'}, 0.47078),
      ('feder/table3', {'dataset': 'mnist_0.5'}, 0.47078),
      ('feder/table3', {'dataset': 'cifar10_0.5'}, 2.09094),
    ],
  )
  def test_fltrust_sends_the_same_in_every_round(self, name, keys, per_round):
    rounds, volumes = (
      _values(name, defense='fltrust', measure=measure, **keys)
      for measure in ('critical_round', 'critical_volume')
    )
    known = np.isfinite(rounds)
    apart = np.abs(volumes - per_round * rounds)[known] > 0.02
    # One is misprinted, and says so.
    assert apart.sum() == (keys.get('dataset') == 'mnist_0.5')

  def test_feder_table_4_repeats_table_3(self):
    for measure in ('critical_round', 'critical_volume', 'accuracy'):
      np.testing.assert_array_equal(
        _values('feder/table4', gamma='0.9', measure=measure),
        _values(
          'feder/table3', dataset='mnist_0.5', defense='feder', measure=measure
        ),
      )

  @pytest.mark.parametrize(
    'table, place, accuracy, success',
    [
      ('table4', ('not_fine_tuned', 'train'), 98.3, 99.7),
      ('table4', ('not_fine_tuned', 'adjust'), 94.4, 8.4),
      ('table4', ('fine_tuned', 'adjust'), 96.9, 4.7),
      ('table5', ('not_fine_tuned', 'train'), 88.1, 99.7),
      ('table5', ('not_fine_tuned', 'adjust'), 82.5, 1.9),
      ('table5', ('fine_tuned', 'adjust'), 86.4, 6.4),
      ('table6', ('not_fine_tuned', 'train'), 72.4, 87.6),
      ('table6', ('not_fine_tuned', 'adjust'), 71.0, 13.0),
    ],
  )
  def test_means_of_wu_et_al(self, table, place, accuracy, success):
    name = f'federated_pruning/{table}'
    for measure, mean in (('accuracy', accuracy), ('success_rate', success)):
      found = _values(name, defence=place[0], phase=place[1], measure=measure)
      assert found.mean() == pytest.approx(mean, abs=0.06), measure

  def test_counts_of_wu_et_al(self):
    # "below 10 % only in 5 out of 18 cases", "7 out of 18".
    for vote, count in (('ranking', 5), ('majority', 7)):
      found = _values(
        'federated_pruning/table2',
        vote=vote,
        phase='prune',
        measure='success_rate',
      )
      assert (found < 10).sum() == count
    adjusted = _values('federated_pruning/table3', measure='success_rate')
    assert adjusted.mean() == pytest.approx(3.2, abs=0.05)

  def test_times_of_agramplifier(self):
    # "from 76003.8 seconds to 67886.2 seconds".
    for suffix, seconds in (('', 76003.8), ('_amp', 67886.2)):
      found = [
        _values('agramplifier/table4', defense=f'{rule}{suffix}').sum()
        for rule in ('cosden', 'fang', 'fltrust')
      ]
      assert sum(found) == pytest.approx(seconds)

  def test_fidelity_of_agramplifier(self):
    for defense, mean in (('cosden_amp', 0.174), ('fang_amp', 0.676)):
      assert _values('agramplifier/table3', defense=defense).mean() == (
        pytest.approx(mean)
      )

  @pytest.mark.parametrize(
    'table, apart', [('table6', []), ('table7', ['rfa'])]
  )
  def test_best_of_the_fixed_attacks(self, table, apart):
    best = {
      'table6': [41.45, 47.38, 45.09, 55.76, 32.26, 62.72, 61.97, 63.55],
      'table7': [22.46, 28.93, 31.19, 49.66, 34.39, 42.07, 57.0, 62.52],
    }[table]
    rules = ('bulyan', 'cc', 'cm', 'multi_krum', 'rfa', 'tm')
    rules = (*rules, 'gas_krum', 'gas_bulyan')
    for rule, value in zip(rules, best):
      least = min(
        _values(f'hybrid_sparse/{table}', rule=rule, attack=attack)[0]
        for attack in ('alie', 'bit_flip', 'ipm', 'label_flip', 'rop')
      )
      assert (least != value) == (rule in apart)


class TestRefusals:
  _HEAD = 'rule,measure,value,spread,unit,where,note'

  @pytest.mark.parametrize(
    'lines, message',
    [
      (['rule,measure,value'], 'line 1: expected columns that end in measure'),
      ([_HEAD, 'mean,accuracy,x,,%,Table 1,'], "a number or N/A; found 'x'"),
      ([_HEAD, 'mean,accuracy,inf,,%,Table 1,'], "found 'inf'"),
      ([_HEAD, 'mean,accuracy,1,,percent,Table 1,'], "the unit 'percent'"),
      ([_HEAD, ',accuracy,1,,%,Table 1,'], 'line 2: lacks its rule'),
      ([_HEAD, 'mean,accuracy,1,,%,,'], 'lacks its where'),
      ([_HEAD, 'mean,accuracy,1,,%'], 'more or fewer cells'),
      (
        [_HEAD, *2 * ['mean,accuracy,1,,%,Table 1,']],
        'line 3: stands here twice',
      ),
    ],
  )
  def test_refusals(self, tmp_path, lines, message):
    path = tmp_path / 'table.csv'
    path.write_text('\n'.join(lines) + '\n')
    with pytest.raises(ConfigError, match=message):
      printed.read(path)

  def test_not_available_is_no_number(self, tmp_path):
    path = tmp_path / 'table.csv'
    path.write_text(f'{self._HEAD}\nmean,accuracy,N/A,,%,Table 1,never\n')
    (row,) = printed.read(path)
    assert (row.value, row.spread, row.note) == (None, None, 'never')
