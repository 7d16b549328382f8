import pathlib
import subprocess
import sys

import pytest

from flsec import registry
from flsec.config import dump, loading
from flsec.config.errors import ConfigError

_PLUGIN = (
  'from flsec import registry\n'
  '@registry.aggregator("mine", paper="")\n'
  'def mine(*, scale: float = 1.0): ...\n'
)


@pytest.fixture(autouse=True)
def no_plugins(monkeypatch):
  monkeypatch.setattr(registry, '_plugins', [])


class TestLoad:
  def test_one_experiment(self, write):
    assert loading.load(write(), ['rounds=2', 'seed=9']).rounds == 2

  def test_sweep_is_more_than_one(self, write):
    path = write(sweep={'seed': [1, 2]})
    with pytest.raises(ConfigError, match='sweep: spans 2 experiments; one'):
      loading.load(path)

  def test_error_of_the_file_names_the_file(self, write):
    path = write(rounds='x')
    with pytest.raises(ConfigError, match=r'small\.yaml: rounds: expected'):
      loading.load(path)

  def test_error_of_a_flag_names_the_flag(self, write):
    with pytest.raises(ConfigError, match=r'^--set=rounds=x: rounds: expected'):
      loading.load(write(), ['rounds=x'])

  def test_error_of_a_combination_names_where_it_stands(self, write):
    with pytest.raises(ConfigError) as error:
      loading.load(write(), ['attack.num_byzantine=20'])
    assert str(error.value).startswith('--set=attack.num_byzantine=20: attack')


class TestCells:
  def test_plain_file_has_one_cell_named_after_its_seed(self, write):
    cells = loading.load_cells(write())
    assert [cell.name for cell in cells] == ['seed=1']

  def test_seed_flag(self, write):
    cell = loading.load_cells(write(), seed=5)[0]
    assert (cell.name, cell.experiment.seed) == ('seed=5', 5)

  def test_sweep_of_the_file(self, write):
    path = write(sweep={'server.aggregator': ['mean', 'krum'], 'seed': [1, 2]})
    cells = loading.load_cells(path)
    assert [cell.name for cell in cells] == [
      'aggregator=mean,seed=1',
      'aggregator=mean,seed=2',
      'aggregator=krum,seed=1',
      'aggregator=krum,seed=2',
    ]
    found = [cell.experiment.server.aggregator.name for cell in cells]
    assert found == ['mean', 'mean', 'krum', 'krum']
    assert len({dump.fingerprint(cell.experiment) for cell in cells}) == 4

  def test_sweep_of_a_flag_joins_or_replaces_the_files(self, write):
    path = write(sweep={'seed': [1, 2]})
    cells = loading.load_cells(path, sweeps=['seed=[7]', 'rounds=[2, 3]'])
    assert [cell.name for cell in cells] == [
      'rounds=2,seed=7',
      'rounds=3,seed=7',
    ]

  def test_values_set_by_flags_are_part_of_the_name(self, write):
    # Otherwise they would collide with the run of the plain file.
    sets = ['server.aggregator=krum', 'seed=3', 'runtime.threads=1']
    cell = loading.load_cells(write(), sets)[0]
    assert cell.name == 'aggregator=krum,seed=3'

  def test_when_a_run_stops_is_no_part_of_the_name(self, write):
    # So that a run that was stopped goes on in its own folder.
    sets = ['server.on_non_finite=warn', 'server.on_too_few=skip']
    cell = loading.load_cells(write(), sets)[0]
    assert cell.name == 'on_too_few=skip,seed=1'

  def test_set_and_sweep_of_one_path_are_refused(self, write):
    path = write(sweep={'seed': [1, 2]})
    with pytest.raises(ConfigError, match=r'^--seed=3: seed: is varied by'):
      loading.load_cells(path, seed=3)

  def test_bad_cell_is_found_before_any_runs(self, write):
    path = write(sweep={'server.aggregator': ['mean', 'krm']})
    with pytest.raises(
      ConfigError, match=r'\(sweep\): server.aggregator: Unkn'
    ):
      loading.load_cells(path)

  def test_sweep_over_a_section_that_is_absent(self, write):
    cells = loading.load_cells(
      write(attack=None),
      sweeps=['attack=[null, {name: alie, num_byzantine: 2}]'],
    )
    assert [cell.name for cell in cells] == [
      'attack=none,seed=1',
      'attack=alie,seed=1',
    ]


class TestOddFiles:
  @pytest.mark.parametrize('swept', [5, 'abc', [1], {'seed': 5}, {'seed': []}])
  def test_a_sweep_that_is_none(self, write, swept):
    with pytest.raises(ConfigError, match=r'sweep.*expected a'):
      loading.load_cells(write(sweep=swept))

  @pytest.mark.parametrize(
    'path', ['seed', 'rounds', 'clients.num_clients', 'model.hidden']
  )
  def test_a_number_of_400_digits(self, write, path):
    with pytest.raises(ConfigError, match='has more than 64 bits'):
      loading.load_cells(write(), sets=[f'{path}={"9" * 400}'])

  def test_a_path_without_end(self, write):
    with pytest.raises(ConfigError, match='at most 40 words'):
      loading.load_cells(write(), sets=['a.' * 5000 + 'b=1'])


class TestPlugins:
  def test_path_is_relative_to_the_file_and_recorded_in_full(
    self, write, tmp_path
  ):
    (tmp_path / 'mine.py').write_text(_PLUGIN)
    path = write(plugins=['mine.py'], server={'aggregator': 'mine'})
    experiment = loading.load(path)
    assert experiment.server.aggregator.options == {'scale': 1.0}
    assert experiment.plugins == (str(tmp_path / 'mine.py'),)

  def test_flag_adds_one(self, write, tmp_path, monkeypatch):
    (tmp_path / 'mine.py').write_text(_PLUGIN)
    monkeypatch.chdir(tmp_path)
    cells = loading.load_cells(
      write(), ['server.aggregator=mine'], plugins=['mine.py']
    )
    assert cells[0].experiment.plugins == (str(tmp_path / 'mine.py'),)

  @pytest.mark.parametrize('listed', ['mine.py', [3], {'a': 1}])
  def test_no_list_of_files(self, write, listed):
    with pytest.raises(ConfigError, match='plugins: expected a list of Python'):
      loading.load(write(plugins=listed))

  def test_file_that_is_not_there(self, write):
    with pytest.raises(
      ConfigError, match=r'plugins: .*absent\.py does not exist'
    ):
      loading.load(write(plugins=['absent.py']))


def test_loading_imports_no_tensorflow(write, repository: pathlib.Path):
  program = (
    'import sys\n'
    'from flsec.config import dump, loading\n'
    f'dump.to_yaml(loading.load({write()!r}))\n'
    'assert "tensorflow" not in sys.modules\n'
    'assert "tensorflow_federated" not in sys.modules\n'
  )
  subprocess.run([sys.executable, '-c', program], check=True, cwd=repository)
