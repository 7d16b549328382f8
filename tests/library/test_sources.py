"""What Python code may give as an experiment."""

import copy
import pathlib

import numpy as np
import pytest
import small_experiment
import yaml

import flsec
from flsec.config import dump, loading
from flsec.config.errors import ConfigError
from flsec.library import sources

RAW = small_experiment.RAW


def one(source, **changes):
  return sources.one_of(source, changes)


class TestWhatIsGiven:
  def test_file_mapping_and_experiment_are_the_same(self, tmp_path):
    path = small_experiment.write(tmp_path / 'small.yaml')
    expected = loading.load(path)
    for source in (path, pathlib.Path(path), RAW, flsec.Experiment.of(**RAW)):
      assert one(source) == expected

  def test_name_of_a_shipped_one(self):
    assert one('quickstart').name == 'quickstart'

  def test_experiment_of_dataclasses(self):
    from flsec.config import schema

    built = flsec.Experiment(
      name='small',
      rounds=2,
      dataset=schema.DatasetConfig('digits'),
      model=schema.Component('mlp'),
      clients=schema.ClientsConfig(
        num_clients=6, optimizer=schema.OptimizerConfig(learning_rate=0.1)
      ),
    )
    plain = {'name': 'small', 'rounds': 2, 'dataset': {'name': 'digits'}}
    plain['model'] = 'mlp'
    plain['clients'] = {'num_clients': 6, 'optimizer': {'learning_rate': 0.1}}
    assert one(built) == one(plain)

  def test_the_callers_mapping_stays_as_it_is(self):
    raw = copy.deepcopy(RAW)
    one(raw, rounds=2, attack__num_byzantine=2)
    assert raw == RAW

  @pytest.mark.parametrize('source', [3, None, ['quickstart']])
  def test_others_are_refused(self, source):
    with pytest.raises(TypeError, match=type(source).__name__):
      one(source)

  def test_a_sweep_is_not_one(self):
    with pytest.raises(ConfigError, match=r'flsec\.sweep'):
      one({**RAW, 'sweep': {'seed': [1, 2]}})


class TestChanges:
  def test_are_those_of_the_command_line(self):
    expected = small_experiment.load('rounds=2', 'attack.num_byzantine=2')
    assert one(RAW, rounds=2, attack__num_byzantine=2) == expected
    dotted = {'attack.num_byzantine': 2, 'rounds': 2}
    assert sources.one_of(RAW, dotted) == expected

  def test_numpy_tuples_and_paths_are_plain_values(self):
    built = one(
      RAW,
      rounds=np.int64(2),
      clients__optimizer__learning_rate=np.float32(0.5),
      model__hidden=(4, np.int32(3)),
    )
    assert built == small_experiment.load(
      'rounds=2', 'clients.optimizer.learning_rate=0.5', 'model.hidden=[4, 3]'
    )

  def test_what_the_attack_settles_follows_them(self):
    for source in (RAW, flsec.Experiment.of(**RAW)):
      built = one(source, attack__num_byzantine=2)
      assert built.server.aggregator.options['num_byzantine'] == 2

  def test_cells_are_named_as_on_the_command_line(self, tmp_path):
    path = small_experiment.write(tmp_path / 'small.yaml')
    cells = sources.cells_of(
      RAW, {'rounds': 2}, {'server__aggregator': ['mean', 'median']}
    )
    expected = loading.load_cells(
      path, ['rounds=2'], ['server.aggregator=[mean,median]']
    )
    assert cells == expected

  @pytest.mark.parametrize(
    'changes, message',
    [
      ({'rouds': 2}, 'rouds=2: rouds: .*did you mean .rounds'),
      ({'rounds': 0}, 'rounds=0: rounds: .*at least 1'),
      ({'attack__': 2}, r"'attack__': expected a path"),
      ({'attack__nme': 'x'}, 'attack.nme'),
    ],
  )
  def test_mistakes_name_the_keyword(self, changes, message):
    with pytest.raises(ConfigError, match=message):
      one(RAW, **changes)

  def test_plugins_lie_in_the_folder_of_the_caller(self, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'mine.py').write_text(
      "from flsec import registry\n\n\n@registry.attack('of_the_caller')\n"
      'def of_the_caller(*, scale: float = 2.0):\n  """Does it."""\n'
    )
    attack = {'name': 'of_the_caller', 'num_byzantine': 2}
    built = one('quickstart', plugins=['mine.py'], attack=attack)
    assert built.plugins == (str(tmp_path / 'mine.py'),)
    assert built.attack.options == {'scale': 2.0}
    with pytest.raises(ConfigError, match='plugins: expected a list'):
      one('quickstart', plugins='mine.py')

  @pytest.mark.parametrize('values', ['mean', 3, {'a': 1}])
  def test_a_grid_takes_lists(self, values):
    with pytest.raises(ConfigError, match='expected a list of values'):
      sources.cells_of(RAW, {}, {'server.aggregator': values})


class TestExperimentOf:
  def test_is_checked_at_once(self):
    with pytest.raises(
      ConfigError, match=r'dataset.name.*did you mean .digits'
    ):
      flsec.Experiment.of(**{**RAW, 'dataset': {'name': 'digit'}})

  def test_writes_the_yaml_that_it_is_read_from(self):
    built = flsec.Experiment.of(**RAW)
    again = flsec.Experiment.of(**yaml.safe_load(dump.to_yaml(built)))
    assert again == built
