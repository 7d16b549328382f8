"""Runs, sweeps and loops from Python, beside those of the command line."""

import os
import subprocess
import sys

import numpy as np
import pytest
import small_experiment

import flsec
from flsec.experiment import loop
from flsec.experiment.run_directory import RunDirectoryError

RAW = small_experiment.RAW
_TIMES = ('time/', 'seconds/')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  return tmp_path_factory.mktemp('driven')


@pytest.fixture(scope='module')
def result(folder):
  return flsec.run(RAW, output_dir=folder, progress=False)


def measured(rows):
  return {n: v for n, v in rows.items() if not n.startswith(_TIMES)}


class TestRun:
  def test_is_the_run_of_the_command_line(self, result, tmp_path):
    loop.run_cell(
      small_experiment.load(), directory=tmp_path / 'run', data_dir=''
    )
    expected = flsec.load(tmp_path / 'run')
    assert measured(result.rows).keys() == measured(expected.rows).keys()
    for name, values in measured(expected.rows).items():
      np.testing.assert_array_equal(result.rows[name], values, err_msg=name)
    np.testing.assert_array_equal(result.weights(), expected.weights())

  def test_leaves_what_the_command_line_leaves(self, result, folder):
    assert result.path == folder / 'small' / 'seed=1'
    for name in ('DONE', 'report.html', 'log.txt', 'metrics.csv'):
      assert (result.path / name).exists(), name
    assert result.rows['round'].tolist() == [1, 2, 3, 4]
    assert result.experiment() == small_experiment.load()

  def test_a_finished_one_is_only_read(self, result, folder):
    before = (result.path / 'metrics.jsonl').stat().st_mtime_ns
    again = flsec.run(RAW, output_dir=folder, progress=False)
    assert again.summary == result.summary
    assert (result.path / 'metrics.jsonl').stat().st_mtime_ns == before

  def test_the_folder_of_another_is_refused(self, result, folder):
    other = {**RAW, 'server': {'aggregator': 'median'}}
    with pytest.raises(RunDirectoryError, match='another'):
      flsec.run(other, output_dir=folder, progress=False)

  def test_its_model_has_its_weights(self, result):
    flat = np.concatenate([w.ravel() for w in result.model().get_weights()])
    np.testing.assert_array_equal(flat, result.weights())

  def test_progress_goes_to_stderr(self, tmp_path, capsys):
    flsec.run(RAW, output_dir=tmp_path, rounds=1)
    out, err = capsys.readouterr()
    assert out == '' and 'round 1/1' in err


class TestAssemble:
  def test_a_loop_of_ones_own_is_the_run(self, result):
    simulation = flsec.assemble(RAW)
    accuracies = []
    with simulation.runtime() as runtime:
      state = runtime.initialize()
      for round_number in range(1, 5):
        clients = simulation.clients(round_number)
        state, _ = runtime.next(state, clients)
        tested = simulation.evaluate(state['weights'])
        accuracies.append(tested['test/accuracy'])
    np.testing.assert_array_equal(state['weights'], result.weights())
    np.testing.assert_array_equal(accuracies, result.rows['test/accuracy'])

  @pytest.fixture(scope='class')
  def simulation(self):
    return flsec.assemble(RAW, attack__num_byzantine=2)

  def test_says_who_holds_what(self, simulation):
    assert simulation.malicious.tolist() == [True] * 2 + [False] * 4
    assert simulation.client_ids(1).tolist() == list(range(6))
    clients = simulation.clients(1, ids=[1, 4])
    assert [int(one['client_id']) for one in clients] == [1, 4]
    assert [int(one['rank']) for one in clients] == [1, -1]
    shard = simulation.federation.client(4)
    np.testing.assert_array_equal(clients[1]['x'], shard.x)

  @pytest.mark.parametrize('ids', [[4, 1], [1, 1], [6], [-1]])
  def test_ids_that_are_none(self, simulation, ids):
    with pytest.raises(ValueError, match='from 0 to 5, ascending'):
      simulation.clients(1, ids=ids)


@pytest.mark.slow
class TestSweep:
  @pytest.mark.parametrize('jobs', [1, 2])
  def test_runs_a_cell_for_each_choice(self, jobs, tmp_path):
    swept = flsec.sweep(
      RAW,
      {'server.aggregator': ['mean', 'median']},
      output_dir=tmp_path,
      jobs=jobs,
      progress=False,
    )
    assert list(swept) == ['aggregator=mean,seed=1', 'aggregator=median,seed=1']
    assert not swept.failures
    alone = flsec.run(
      RAW,
      server={'aggregator': 'median'},
      output_dir=tmp_path / 'alone',
      progress=False,
    )
    np.testing.assert_array_equal(
      swept['aggregator=median,seed=1'].weights(), alone.weights()
    )

  def test_a_folder_that_cannot_be_written_is_one_line(self, tmp_path):
    (tmp_path / 'small').write_text('a file')
    with pytest.raises(RunDirectoryError, match='small'):
      flsec.sweep(RAW, {'seed': [1, 2]}, output_dir=tmp_path, progress=False)

  def test_a_cell_that_fails_is_told(self, tmp_path):
    (tmp_path / 'broken.py').write_text(
      'from flsec import registry\n'
      'from flsec.aggregators.rule import stateless\n\n\n'
      "@registry.aggregator('broken')\n"
      'def broken():\n'
      '  """Breaks."""\n'
      '  def aggregate(updates, weights, context):\n'
      "    raise ValueError('it is broken')\n"
      "  return stateless('broken', aggregate)\n"
    )
    with pytest.warns(RuntimeWarning, match=r'1 of 2 cells failed: .*broken'):
      swept = flsec.sweep(
        RAW,
        {'server.aggregator': ['mean', 'broken']},
        plugins=[str(tmp_path / 'broken.py')],
        output_dir=tmp_path,
        jobs=1,
        progress=False,
      )
    assert list(swept.failures) == ['aggregator=broken,seed=1']
    assert swept['aggregator=mean,seed=1'].is_done

  def test_a_script_needs_no_guard(self, tmp_path, repository):
    script = tmp_path / 'study.py'
    script.write_text(
      'import flsec\n'
      'import small_experiment\n'
      "print('begun')\n"
      'grid = {"server.aggregator": ["mean", "median"]}\n'
      'swept = flsec.sweep(small_experiment.RAW, grid, jobs=2, rounds=2,\n'
      '                    progress=False)\n'
      'print(len(swept), swept.failures)\n'
    )
    paths = [repository, repository / 'tests' / 'experiment']
    done = subprocess.run(
      [sys.executable, script],
      cwd=tmp_path,
      env={**os.environ, 'PYTHONPATH': ':'.join(map(str, paths))},
      capture_output=True,
      text=True,
      check=False,
    )
    assert done.stdout == 'begun\n2 {}\n', done.stderr


def test_importing_flsec_imports_nothing_else(repository):
  program = (
    'import sys; import flsec; '
    'assert not {"numpy", "absl", "yaml", "tensorflow"} & set(sys.modules); '
    'assert "run" in dir(flsec) and "aggregators" in dir(flsec)'
  )
  subprocess.run([sys.executable, '-c', program], cwd=repository, check=True)


def test_every_public_name_is_there():
  for name in flsec.__all__:
    assert getattr(flsec, name) is not None
  with pytest.raises(AttributeError, match=r'no attribute .nothing'):
    flsec.nothing  # noqa: B018
