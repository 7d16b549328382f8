import pytest

from flsec.config import cell_names, sweep
from flsec.config.errors import ConfigError
from flsec.config.overrides import Override


def _choices(varied):
  return sweep.parse(varied, 'f.yaml').choices()


def _names(varied):
  cells = [choice.labels for choice in _choices(varied)]
  seeds = [
    next((one.value for one in cell if one.path == 'seed'), 1) for cell in cells
  ]
  return cell_names.cell_names(cells, seeds)


def _set(choice):
  return {one.path: one.value for one in choice.overrides}


class TestChoices:
  def test_grid_is_complete_and_the_last_path_varies_fastest(self):
    cells = _choices({'a': [1, 2], 'b': ['x', 'y', 'z']})
    values = [tuple(_set(cell).values()) for cell in cells]
    assert values == [(a, b) for a in (1, 2) for b in 'xyz']

  def test_no_sweep_is_one_cell(self):
    assert _choices(None) == [sweep.Choice()]

  @pytest.mark.parametrize(
    'varied, message',
    [
      ([1], 'sweep: expected a mapping from paths to lists'),
      ({}, 'sweep: expected a mapping'),
      (3, 'sweep: expected a mapping'),
      (
        {'seed': 1},
        r'sweep\.seed: expected a list of at least one value.*; found 1',
      ),
      ({'seed': []}, r'sweep\.seed: expected a list of at least one'),
      ({'seed': [1, 2, 1]}, r'sweep\.seed: holds 1 twice'),
    ],
  )
  def test_refusals(self, varied, message):
    with pytest.raises(ConfigError, match=message):
      _choices(varied)


def test_a_grid_that_nobody_can_run_is_counted_and_not_made():
  varied = {f'k{i}': list(range(10)) for i in range(12)}
  with pytest.raises(ConfigError, match='spans 1,000,000,000,000 cells'):
    _choices(varied)


class TestAxes:
  def test_paths_in_step_are_no_product(self):
    cells = _choices({'a.x, b.y': [[1, 10], [2, 20]], 'seed': [1, 2]})
    assert [tuple(_set(cell).values()) for cell in cells] == [
      (1, 10, 1),
      (1, 10, 2),
      (2, 20, 1),
      (2, 20, 2),
    ]
    assert _names({'a.x, b.y': [[1, 10], [2, 20]]}) == [
      'x=1,y=10,seed=1',
      'x=2,y=20,seed=1',
    ]

  def test_cases_set_what_they_say_and_name_the_cell(self):
    varied = {
      'threat': {
        'none': None,
        'strong': {'attack.scale': 10, 'attack.num_byzantine': 4},
      },
      'seed': [3],
    }
    assert [_set(cell) for cell in _choices(varied)] == [
      {'seed': 3},
      {'attack.scale': 10, 'attack.num_byzantine': 4, 'seed': 3},
    ]
    assert _names(varied) == ['threat=none,seed=3', 'threat=strong,seed=3']

  @pytest.mark.parametrize(
    'varied, message',
    [
      ({'a, b': [1]}, r'sweep\.a, b: expected rows of 2 values.*found 1'),
      ({'a, b': [[1, 2, 3]]}, 'expected rows of 2 values'),
      ({'threat': {}}, 'expected a list of at least one value, or cases'),
      ({'threat': {'x': 3}}, r'sweep\.threat\.x: expected what the case sets'),
      ({'threat': {'a b': {}}}, "a b: is no case's name"),
    ],
  )
  def test_refusals(self, varied, message):
    with pytest.raises(ConfigError, match=message):
      _choices(varied)


class TestConditions:
  _VARIED = {
    'rule': {'mean': {}, 'krum': {'server.aggregator': 'krum'}},
    'attack.name': ['ipm', 'alie'],
    'pruning': [None, {'name': 'flap', 'fraction': 0.1}],
  }

  def _choices(self, *conditions):
    return _choices({**self._VARIED, 'conditions': list(conditions)})

  def test_what_is_set_where_it_holds(self):
    cells = self._choices(
      {
        'when': {'rule': 'krum', 'attack.name': ['alie']},
        'set': {'attack.name': 'fang_krum'},
      }
    )
    names = [_set(cell)['attack.name'] for cell in cells]
    assert names == 2 * ['ipm'] + 2 * ['alie'] + 2 * ['ipm'] + 2 * ['fang_krum']
    # The cell is still named after what the product says.
    assert [one.value for one in cells[-1].labels][:2] == ['krum', 'alie']

  def test_later_ones_win(self):
    when = {'rule': 'krum'}
    cells = self._choices(
      {'when': when, 'set': {'rounds': 2}}, {'when': when, 'set': {'rounds': 3}}
    )
    assert [_set(cell).get('rounds') for cell in cells] == 4 * [None] + 4 * [3]

  def test_skipped_cells_are_gone(self):
    # A component is called by its name, and nothing `null`.
    cells = self._choices(
      {'when': {'pruning': 'flap', 'rule': 'mean'}, 'skip': 'not printed'},
      {'when': {'pruning': None, 'attack.name': 'alie'}, 'skip': 'nor this'},
    )
    kept = [tuple(str(one.value)[:8] for one in cell.labels) for cell in cells]
    assert kept == [
      ('mean', 'ipm', 'None'),
      ('krum', 'ipm', 'None'),
      ('krum', 'ipm', "{'name':"),
      ('krum', 'alie', "{'name':"),
    ]

  @pytest.mark.parametrize(
    'condition, message',
    [
      (3, r'conditions\.0: expected a mapping of `when` and either'),
      ({'when': {'rule': 'krum'}}, 'either `set` or `skip`'),
      ({'when': {'rul': 'krum'}, 'skip': 'x'}, "did you mean 'rule'"),
      ({'when': {'rule': 'krm'}, 'skip': 'x'}, "'krm' is no choice of that"),
      ({'when': {'rule': 'krum'}, 'skip': True}, 'expected the reason'),
      ({'when': {'rule': 'krum'}, 'set': 3}, r'set: expected a mapping'),
      ({'when': {}, 'set': {'a': 1}}, r'when: expected a mapping'),
    ],
  )
  def test_refusals(self, condition, message):
    with pytest.raises(ConfigError, match=message):
      self._choices(condition)

  def test_one_at_least_must_be_left(self):
    with pytest.raises(ConfigError, match='skip every cell'):
      self._choices({'when': {'rule': ['mean', 'krum']}, 'skip': 'x'})

  def test_a_list_is_expected(self):
    with pytest.raises(ConfigError, match='conditions: expected a list'):
      _choices({'seed': [1], 'conditions': {'when': 1}})


class TestChange:
  _SWEEP = sweep.parse(
    {
      'rule': {'mean': {}, 'krum': {'server.aggregator': 'krum'}},
      'attack': {'none': {}, 'alie': {'attack.name': 'alie'}},
      'seed': [1, 2],
      'conditions': [{'when': {'rule': 'mean'}, 'set': {'rounds': 2}}],
    },
    'f',
  )

  def _names(self, **changes):
    cells = sweep.change(self._SWEEP, changes, '--sweep').choices()
    return ['/'.join(str(x.value) for x in cell.labels) for cell in cells]

  def test_a_list_names_the_cases_to_keep(self):
    assert self._names(rule=['krum'], attack=['alie'], seed=[7]) == [
      'krum/alie/7'
    ]

  def test_an_axis_is_taken_out_or_added(self):
    assert self._names(attack=None, seed=None, rounds=[3]) == [
      'mean/3',
      'krum/3',
    ]

  @pytest.mark.parametrize(
    'changes, message',
    [
      ({'rule': ['krm']}, "has no case 'krm'; did you mean 'krum'"),
      ({'rule': []}, 'expected at least one case'),
      ({'rule': None}, 'a condition depends on it'),
      ({'sed': None}, "is no axis of f; did you mean 'seed'"),
    ],
  )
  def test_refusals(self, changes, message):
    with pytest.raises(ConfigError, match=message):
      self._names(**changes)


class TestNames:
  @pytest.mark.parametrize(
    'varied, names',
    [
      (None, ['seed=1']),
      ({'seed': [2, 3]}, ['seed=2', 'seed=3']),
      (
        {'server.aggregator': ['mean', 'krum'], 'seed': [1]},
        ['aggregator=mean,seed=1', 'aggregator=krum,seed=1'],
      ),
      (
        {'attack.name': ['alie', 'ipm']},
        ['attack=alie,seed=1', 'attack=ipm,seed=1'],
      ),
      # A component's name will do while no other has it.
      (
        {'server.aggregator': ['mean', {'name': 'krum', 'num_byzantine': 2}]},
        ['aggregator=mean,seed=1', 'aggregator=krum,seed=1'],
      ),
      (
        {
          'server.aggregator': [
            {'name': 'krum', 'num_byzantine': 2},
            {'name': 'krum', 'num_byzantine': 3},
          ]
        },
        [
          'aggregator=krum(num_byzantine=2),seed=1',
          'aggregator=krum(num_byzantine=3),seed=1',
        ],
      ),
      (
        {'server.aggregator': ['krum', {'name': 'krum', 'num_byzantine': 3}]},
        [
          'aggregator=krum,seed=1',
          'aggregator=krum(num_byzantine=3),seed=1',
        ],
      ),
      # The last word of two paths is the same: one more is needed.
      (
        {'clients.momentum': [0.5], 'clients.optimizer.momentum': [0.9]},
        ['clients.momentum=0.5,optimizer.momentum=0.9,seed=1'],
      ),
      ({'attack': [None]}, ['attack=none,seed=1']),
      ({'x.flag': [True]}, ['flag=true,seed=1']),
      (
        {'x.layers': [['conv', 'dense'], []]},
        ['layers=conv+dense,seed=1', 'layers=none,seed=1'],
      ),
      (
        {'x.path': ['a/b c', '../x']},
        ['path=a-b-c,seed=1', 'path=..-x,seed=1'],
      ),
    ],
  )
  def test_readable(self, varied, names):
    assert _names(varied) == names

  def test_names_that_would_be_the_same_are_numbered(self):
    names = _names({'x.path': ['a b', 'a/b']})
    assert names == ['path=a-b,seed=1', 'path=a-b,seed=1~2']

  def test_long_names_stay_apart_and_fit_a_file_name(self):
    names = _names({'x.text': ['y' * 500, 'y' * 500 + 'z']})
    assert len(set(names)) == 2
    assert all(len(name) <= 200 for name in names)

  def test_every_cell_of_a_grid_has_its_own(self):
    varied = {'a.x': [1, 2, 3], 'b.x': [1, 2], 'seed': [1, 2, 3]}
    names = _names(varied)
    assert len(set(names)) == len(names) == 18


class TestCheckApart:
  @pytest.mark.parametrize(
    'flag', ['server.aggregator', 'server', 'server.aggregator.num_byzantine']
  )
  def test_flag_for_what_is_varied_is_refused(self, flag):
    override = Override(flag, 1, f'--set={flag}=1')
    with pytest.raises(ConfigError, match='is varied by `sweep: server'):
      sweep.check_apart(['server.aggregator'], [override], 'f.yaml')

  def test_other_flags_pass(self):
    override = Override('server.aggregator_x', 1, '')
    assert sweep.check_apart(['server.aggregator'], [override], 'f') is None
