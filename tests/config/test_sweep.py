import pytest

from flsec.config import sweep
from flsec.config.errors import ConfigError
from flsec.config.overrides import Override


def _names(varied):
  cells = sweep.choices(varied, 'f.yaml')
  seeds = [
    next((one.value for one in cell if one.path == 'seed'), 1) for cell in cells
  ]
  return sweep.cell_names(cells, seeds)


class TestChoices:
  def test_grid_is_complete_and_the_last_path_varies_fastest(self):
    cells = sweep.choices({'a': [1, 2], 'b': ['x', 'y', 'z']}, 'f')
    values = [tuple(one.value for one in cell) for cell in cells]
    assert values == [(a, b) for a in (1, 2) for b in 'xyz']

  def test_no_sweep_is_one_cell(self):
    assert sweep.choices(None, 'f') == [()]

  @pytest.mark.parametrize(
    'varied, message',
    [
      ([1], 'sweep: expected a mapping from paths to lists'),
      ({}, 'sweep: expected a mapping'),
      (3, 'sweep: expected a mapping'),
      (
        {'seed': 1},
        r'sweep\.seed: expected a list of at least one value; found 1',
      ),
      ({'seed': []}, r'sweep\.seed: expected a list of at least one'),
      ({'seed': [1, 2, 1]}, r'sweep\.seed: holds 1 twice'),
    ],
  )
  def test_refusals(self, varied, message):
    with pytest.raises(ConfigError, match=message):
      sweep.choices(varied, 'f.yaml')


def test_a_grid_that_nobody_can_run_is_counted_and_not_made():
  varied = {f'k{i}': list(range(10)) for i in range(12)}
  with pytest.raises(ConfigError, match='spans 1,000,000,000,000 cells'):
    sweep.choices(varied, 'x.yaml')


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
