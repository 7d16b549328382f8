"""Tables hold the right numbers, each moment beside the other."""

import dataclasses

import pytest

from flsec.reporting import cell as cell_lib
from flsec.reporting import comparison, formats, run_tables
from flsec.reporting.measure import ACCURACY, ERROR_RATE, Moment


def _column(table, title):
  (index,) = [
    i for i, column in enumerate(table.columns) if column.title == title
  ]
  return [getattr(row[index], 'value', row[index]) for row in table.rows]


class TestRunTable:
  def test_last_round_mean_of_attacked_rounds_and_before(self, run_path):
    cell = cell_lib.read_cell(run_path)
    table = run_tables.run_table(cell)
    accuracy = [row['test/accuracy'] for row in cell.rows]
    errors = [row['attack/error_rate'] for row in cell.rows]
    assert _column(table, '%') == ['Test accuracy', 'Error rate']
    assert _column(table, 'last round') == [accuracy[-1], errors[-1]]
    assert _column(table, 'mean of 20 attacked rounds') == pytest.approx(
      [sum(accuracy[10:]) / 20, sum(errors[10:]) / 20]
    )
    assert _column(table, 'before the attack') == [accuracy[9], errors[9]]
    assert table.notes == [
      '30 rounds; 1.34 s a round; 18 units pruned (conv2d 6, dense 12); '
      f'accuracy of the last 3 tests {100 * min(accuracy[-3:]):.1f} to '
      f'{100 * max(accuracy[-3:]):.1f} %, '
      f'median {100 * sorted(accuracy[-3:])[1]:.1f} %'
    ]

  @pytest.mark.parametrize(
    ('accuracies', 'fact'),
    [
      # A tenth of the tests, and fewer than three have no middle.
      (
        [0.1, *[0.9] * 18, 0.93, 0.95, 0.94],
        '; accuracy of the last 3 tests 93.0 to 95.0 %, median 94.0 %',
      ),
      ([0.1, *[0.9] * 17, 0.93, 0.95], ''),
      (
        [0.1, 0.95, 0.3, 0.9, 0.949],
        '; accuracy fell by 65.0 points between rounds 2 and 3',
      ),
      ([0.1, 0.95, 0.76, 0.9], ''),
    ],
  )
  def test_how_steady_a_run_was(self, tmp_path, make, accuracies, fact):
    metrics = [
      (n, {'test/accuracy': accuracy})
      for n, accuracy in enumerate(accuracies, 1)
    ]
    path = make.run(tmp_path, make.config(attack=None), metrics, labels=False)
    table = run_tables.run_table(cell_lib.read_cell(path))
    assert table.notes == [f'{len(accuracies)} rounds{fact}']

  @pytest.mark.parametrize(
    ('wanted', 'fact'),
    [
      (0.8, '; accuracy 0.8 in round 2, after 3.50 MiB a client'),
      (0.95, '; accuracy 0.95 not reached'),
      (None, ''),
    ],
  )
  def test_when_a_run_was_good_enough_and_at_what_cost(
    self, tmp_path, make, wanted, fact
  ):
    metrics = [
      (n, {'test/accuracy': accuracy, 'communication/volume_mib': 1.0 + n / 2})
      for n, accuracy in ((1, 0.7), (2, 0.85), (3, 0.9))
    ]
    settings = make.config(attack=None)
    settings['evaluation'] = {'critical_accuracy': wanted}
    path = make.run(tmp_path, settings, metrics, labels=False)
    table = run_tables.run_table(cell_lib.read_cell(path))
    assert table.notes == [f'3 rounds{fact}']

  def test_critical_round_and_volume_of_runs_side_by_side(self, tmp_path, make):
    def cell(name, volume, accuracies, wanted=0.9, done=True):
      metrics = [
        (n, {'test/accuracy': found, 'communication/volume_mib': volume})
        for n, found in enumerate(accuracies, 1)
      ]
      settings = make.config(
        attack=None, server__aggregator={'name': name}, pruning=None
      )
      settings['evaluation'] = {'critical_accuracy': wanted}
      path = make.run(tmp_path / name, settings, metrics, done=done)
      return cell_lib.read_cell(path)

    cells = [
      cell('feder', 0.125, [0.5, 0.8, 0.9]),
      cell('fltrust', 0.5, [0.5, 0.95, 0.8]),
      cell('mean', 0.5, [0.5, 0.6, 0.7]),
      cell('krum', 0.5, [0.5], done=False),
    ]
    table = run_tables.runs_table(cells)
    assert _column(table, 'critical round') == [3, 2, 'never', None]
    assert _column(table, 'critical MiB') == [0.375, 1.0, None, None]
    lines = formats.to_text(table).splitlines()
    assert [line.split()[-2:] for line in lines[-5:-1]] == [
      ['3', '0.38'], ['2', '1.00'], ['never', '-'], ['-', '-'],
    ]  # fmt: skip
    # Nobody asked, nothing is shown.
    plain = run_tables.runs_table([cell('median', 0.5, [0.9], wanted=None)])
    assert not [c for c in plain.columns if 'critical' in c.title]

  def test_the_control_stands_beside_attack_success(self, tmp_path, make):
    metrics = [
      (n, {'test/accuracy': 0.9, 'attack/success_rate': 0.8,
           'attack/clean_error_rate': 0.01 * n})
      for n in (11, 12)
    ]  # fmt: skip
    cell = cell_lib.read_cell(make.run(tmp_path, metrics=metrics))
    table = run_tables.run_table(cell)
    assert _column(table, '%')[1:] == [
      'Attack success', 'Control, without the trigger',
    ]  # fmt: skip
    assert _column(table, 'last round')[1:] == pytest.approx([0.8, 0.12])
    runs = run_tables.runs_table([cell, cell])
    title = 'Control, without the trigger, mean'
    assert _column(runs, title) == pytest.approx([0.115, 0.115])

  def test_what_was_not_measured_is_left_out(self, tmp_path, make):
    metrics = [(1, {'test/accuracy': 0.5})]
    cell = cell_lib.read_cell(
      make.run(tmp_path, make.config(attack=None), metrics, done=False)
    )
    text = formats.to_text(run_tables.run_table(cell))
    assert text.splitlines() == [
      f'quickstart: {tmp_path} (unfinished, round 1)',
      '%              last round',
      '-------------  ----------',
      'Test accuracy       50.00',
      '1 rounds',
    ]

  def test_rounds_with_more_malicious_clients_than_f_are_warned_of(
    self, tmp_path, make
  ):
    metrics = [
      (n, {'test/accuracy': 0.5, 'clients/malicious_above_f': above})
      for n, above in ((1, 0), (2, 1), (3, 2))
    ]
    cell = cell_lib.read_cell(make.run(tmp_path, metrics=metrics))
    assert run_tables.run_table(cell).notes[-1] == (
      'Warning: in 2 rounds more malicious clients took part than the rule '
      'was told of (clients/malicious_above_f).'
    )
    many = run_tables.runs_table([cell, cell]).notes
    assert many[0].startswith('Warning: in 4 rounds of 2 runs more malicious')


class TestRunsTable:
  def test_a_row_a_run(self, grid_path):
    cells = cell_lib.find_cells(grid_path)
    table = run_tables.runs_table(cells)
    assert len(table.rows) == 32
    assert [column.name for column in table.columns[:4]] == [
      'aggregator', 'attack', 'seed', 'state',
    ]  # fmt: skip
    for measure in (ACCURACY, ERROR_RATE):
      for moment in Moment:
        found = _column(table, f'{measure.title}, {moment.value}')
        assert found == [c.headline.value(measure, moment) for c in cells]
    assert all('success' not in column.title for column in table.columns)
    assert list(table.notes) == []

  def test_unfinished_runs_are_counted(self, grid_path):
    first, *cells = cell_lib.find_cells(grid_path)
    first = dataclasses.replace(first, is_done=False)
    table = run_tables.runs_table([first, *cells])
    assert _column(table, 'state')[:2] == ['round 30', 'done']
    assert table.notes == [
      '1 of 32 runs are not finished; comparisons leave them out.'
    ]

  def test_a_failed_run_is_named_with_its_error(self, grid_path):
    first, *cells = cell_lib.find_cells(grid_path)
    first = dataclasses.replace(first, is_done=False, failure='no memory')
    table = run_tables.runs_table([first, *cells])
    assert _column(table, 'state')[:2] == ['failed', 'done']
    assert table.notes == [
      '1 of 32 runs are not finished; comparisons leave them out.',
      f'Failed: {first.path.name}: no memory',
    ]
    alone = run_tables.run_table(first)
    assert '(failed, round 30)' in alone.caption
    assert alone.notes[-1] == f'Failed: {first.path}: no memory'

  def test_many_settings_are_put_into_words(self, make):
    attacks = [
      {'name': 'badnets', 'trigger': 'feder_mnist', 'num_poisoned': 4},
      {'name': 'badnets', 'trigger': 'flpoison', 'num_poisoned': None},
      {'name': 'sign_flip', 'scale': 2.0, 'source': 'own'},
      {'name': 'sign_flip', 'scale': 3.0, 'source': 'mean'},
      {'name': 'gaussian_noise', 'mode': 'replace', 'mean': 1.0},
      {'name': 'gaussian_noise', 'mode': 'additive', 'mean': 0.0},
    ]
    cells = [
      cell_lib.Cell(None, make.config(attack=attack), '', [{'round': 1}], True)
      for attack in attacks
    ]
    table = run_tables.runs_table(cells)
    assert [column.name for column in table.columns[:2]] == ['threat', 'seed']
    assert _column(table, 'threat')[:3] == [
      'badnets, trigger=feder_mnist, num_poisoned=4',
      'badnets, trigger=flpoison',
      'sign_flip, scale=2.0, source=own',
    ]


class TestGridTable:
  def test_both_moments_of_each_threat_and_the_worst(self, grid_path):
    cells = cell_lib.find_cells(grid_path)
    _, accuracy, errors = run_tables.sweep_tables(cells)
    assert accuracy.caption == (
      'Test accuracy in %: last round, mean of attacked rounds; median '
      '[least, greatest] of 2 seeds'
    )
    assert errors.caption.startswith('Error rate in %')
    assert [column.title for column in accuracy.columns] == [
      '', 'no attack, last', 'alie, last', 'alie, mean', 'label_flip, last',
      'label_flip, mean', 'sign_flip, last', 'sign_flip, mean', 'worst, last',
      'worst, mean',
    ]  # fmt: skip
    for moment in Moment:
      found = comparison.compare(cells, ACCURACY, moment)
      for threat, column in zip(found.threats, zip(*found.values)):
        assert _column(accuracy, f'{threat}, {moment.value}') == list(column)
      assert _column(accuracy, f'worst, {moment.value}') == found.worst

  def test_seeds_alone_give_no_grid(self, tmp_path, make):
    for seed in (1, 2):
      make.run(
        tmp_path / f'seed={seed}',
        make.config(seed=seed),
        make.rows(seed, rounds=3),
        labels=False,
      )
    (table,) = run_tables.sweep_tables(cell_lib.find_cells(tmp_path))
    assert _column(table, 'seed') == ['1', '2']

  def test_more_threats_than_defences_go_down_the_side(self, grid_path):
    cells = [
      cell
      for cell in cell_lib.find_cells(grid_path)
      if 'aggregator=median' in cell.path.name
    ]
    found = comparison.compare(cells, ACCURACY, Moment.LAST)
    table = run_tables.sweep_tables(cells)[1]
    assert [column.title for column in table.columns] == [
      '', 'all, last', 'all, mean',
    ]  # fmt: skip
    assert _column(table, '') == [*found.threats, 'worst']
    assert _column(table, 'all, last') == [*found.values[0], found.worst[0]]
    assert _column(table, 'all, mean')[0] is None

  def test_n_is_said_at_each_value_where_it_differs(self, grid_path):
    cells = cell_lib.find_cells(grid_path)
    table = run_tables.sweep_tables(cells[1:])[1]
    assert table.caption.endswith('of n seeds, 1 to 2')
    first = formats.entry_text(table.rows[0][1], table.counts)
    second = formats.entry_text(table.rows[0][2], table.counts)
    assert first.endswith('(n=1)') and second.endswith('(n=2)')


def test_short_paths():
  assert run_tables.short_path('attack.name') == 'attack'
  assert run_tables.short_path('server.aggregator.name') == 'aggregator'
  assert run_tables.short_path('attack.scale') == 'scale'
  assert run_tables.short_path('rounds') == 'rounds'
