"""Tables say the right numbers in columns that line up."""

from flsec.reporting import cell as cell_lib
from flsec.reporting import comparison, table


def _values(text):
  """Returns {name: value} of a run's table."""
  lines = [line.strip().split('  ') for line in text.splitlines()[1:]]
  return {parts[0]: parts[-1].strip() for parts in lines}


class TestRunTable:
  def test_numbers(self, run_path):
    cell = cell_lib.read_cell(run_path)
    accuracy = [row['test/accuracy'] for row in cell.rows]
    errors = [row['attack/error_rate'] for row in cell.rows[10:]]
    found = _values(table.run_table(cell))
    assert found['rounds'] == '30'
    assert found['final accuracy'] == f'{accuracy[-1]:.4f}'
    assert found['accuracy before the attack'] == f'{accuracy[9]:.4f}'
    assert (
      found['error rate, mean of 20 attacked rounds']
      == f'{sum(errors) / 20:.4f}'
    )
    assert found['units pruned'] == '18 (conv2d 6, dense 12)'

  def test_what_was_not_measured_is_left_out(self, tmp_path, make):
    metrics = [(1, {'test/accuracy': 0.5})]
    cell = cell_lib.read_cell(
      make.run(tmp_path, make.config(attack=None), metrics, done=False)
    )
    text = table.run_table(cell)
    assert '(unfinished, round 1)' in text
    assert list(_values(text)) == [
      'rounds', 'final accuracy', 'seconds a round',
    ]  # fmt: skip
    assert _values(text)['seconds a round'] == '-'

  def test_values_line_up(self, run_path):
    cell = cell_lib.read_cell(run_path)
    lines = table.run_table(cell).splitlines()[1:]
    starts = {
      line.rindex(value)
      for line, (_, value) in zip(lines, table.run_lines(cell))
    }
    assert len(starts) == 1


class TestSweepTable:
  def test_a_line_a_run_and_the_worst_case(self, grid_path):
    cells = cell_lib.find_cells(grid_path)
    text = table.sweep_table(cells)
    runs, accuracy, errors = text.split('\n\n')
    assert len(runs.splitlines()) == 2 + 32
    assert runs.split()[:4] == ['aggregator', 'attack', 'seed', 'state']
    found = comparison.compare(cells, comparison.ACCURACY)
    lines = accuracy.splitlines()
    assert lines[0] == 'Final test accuracy, median over 2 seeds'
    assert lines[1].split() == [
      'no', 'attack', 'alie', 'label_flip', 'sign_flip', 'worst',
    ]  # fmt: skip
    for line, row, worst in zip(lines[3:], found.values, found.worst):
      assert line.split()[1:] == [f'{v:.4f}' for v in (*row, worst)]
      assert worst == min(row)
    assert errors.startswith('Error rate')

  def test_seeds_alone_give_no_grid(self, tmp_path, make):
    for seed in (1, 2):
      make.run(
        tmp_path / f'seed={seed}',
        make.config(seed=seed),
        make.rows(seed, rounds=3),
        labels=False,
      )
    text = table.sweep_table(cell_lib.find_cells(tmp_path))
    assert 'worst' not in text
    assert [line.split()[0] for line in text.splitlines()[2:]] == ['1', '2']

  def test_more_threats_than_defences_go_down_the_side(self, grid_path):
    cells = [
      cell
      for cell in cell_lib.find_cells(grid_path)
      if 'aggregator=median' in cell.path.name
    ]
    found = comparison.compare(cells, comparison.ACCURACY)
    header, lines = table.grid(found)
    assert header == ['', 'all']
    assert [name for name, _ in lines] == [*found.threats, 'worst']
    (row,), (worst,) = found.values, found.worst
    assert [value for _, value in lines] == [
      f'{value:.4f}' for value in (*row, worst)
    ]

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
    header, lines = table.cell_lines(cells)
    assert header[:2] == ['threat', 'seed']
    assert [line[0] for line in lines[:3]] == [
      'badnets, trigger=feder_mnist, num_poisoned=4',
      'badnets, trigger=flpoison',
      'sign_flip, scale=2.0, source=own',
    ]


class TestRender:
  def test_numbers_to_the_right_words_to_the_left(self):
    text = table.render(
      ['rule', 'n'], [['mean', '5'], ['krum', '-'], ['x', '10']]
    )
    assert text == 'rule   n\n----  --\nmean   5\nkrum   -\nx     10\n'

  def test_no_lines(self):
    assert table.render(['a'], []) == 'a\n-\n'


def test_short_paths():
  assert table.short_path('attack.name') == 'attack'
  assert table.short_path('server.aggregator.name') == 'aggregator'
  assert table.short_path('attack.scale') == 'scale'
  assert table.short_path('rounds') == 'rounds'


def test_shares_and_seconds():
  assert (table.share(0.97654), table.share(None)) == ('0.9765', '-')
  assert (table.seconds(12.345), table.seconds(None)) == ('12.3', '-')
