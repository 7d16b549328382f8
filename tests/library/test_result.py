"""Folders of runs, read for Python code."""

import json
import math
import sys
import types

import made_up_runs
import numpy as np
import pytest

import flsec
from flsec.experiment import metric_rows


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  return made_up_runs.write_run(tmp_path_factory.mktemp('runs') / 'cell')


@pytest.fixture(scope='module')
def grid(tmp_path_factory):
  return made_up_runs.write_grid(tmp_path_factory.mktemp('runs') / 'grid')


class TestResult:
  def test_rows_are_those_of_the_file(self, folder):
    lines = (folder / 'metrics.jsonl').read_text().splitlines()
    written = [json.loads(line) for line in lines]
    rows = flsec.load(folder).rows
    assert rows['round'].dtype == np.int64
    assert rows['round'].tolist() == [row['round'] for row in written]
    for name in {name for row in written for name in row} - {'round'}:
      assert rows[name].dtype == np.float64
      for found, row in zip(rows[name], written):
        value = float(row.get(name, 'nan'))
        assert found == value or (math.isnan(found) and math.isnan(value))

  def test_what_was_not_measured_is_nan(self, tmp_path):
    columns = made_up_runs.write_run(tmp_path / 'run')
    lines = [
      metric_rows.to_json_line({'round': 1, 'test/accuracy': 0.5}),
      metric_rows.to_json_line({'round': 2}),
    ]
    (columns / 'metrics.jsonl').write_text('\n'.join(lines) + '\n')
    result = flsec.load(columns)
    np.testing.assert_array_equal(result.rows['test/accuracy'], [0.5, np.nan])
    assert result.last('test/accuracy') == 0.5
    assert result.last('attack/error_rate') is None

  def test_summary_config_and_state(self, folder):
    result = flsec.load(str(folder))
    assert result.is_done and result.failure is None
    assert result.summary == json.loads((folder / 'summary.json').read_text())
    assert result.config['clients']['num_clients'] == 20
    assert 'done' in repr(result) and 'test/accuracy' in repr(result)

  def test_figures_are_drawn_without_pyplot(self, folder):
    pyplot = sys.modules.get('matplotlib.pyplot')
    before = pyplot.get_fignums() if pyplot else []
    figures = flsec.load(folder).figures()
    assert {'curves', 'classes'} <= set(figures)
    # Accuracy above, the attack's rates below.
    assert len(figures['curves'].axes) == 2
    pyplot = sys.modules.get('matplotlib.pyplot')
    assert (pyplot.get_fignums() if pyplot else []) == before

  def test_table_is_that_of_the_command_line(self, folder):
    from flsec.reporting import formats, report

    (table,) = report.read(folder).tables
    assert flsec.load(folder).table() == formats.to_text(table)

  def test_frame_holds_the_rows(self, folder, monkeypatch):
    fake = types.ModuleType('pandas')
    fake.DataFrame = dict
    monkeypatch.setitem(sys.modules, 'pandas', fake)
    result = flsec.load(folder)
    assert result.frame().keys() == result.rows.keys()

  def test_without_pandas_says_what_adds_it(self, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pandas', None)
    with pytest.raises(ModuleNotFoundError, match='pip install pandas'):
      flsec.load(folder).frame()

  def test_a_folder_of_none_or_several_is_refused(self, grid, tmp_path):
    with pytest.raises(ValueError, match='holds no run'):
      flsec.load(tmp_path)
    with pytest.raises(ValueError, match=r'holds \d+ runs; `flsec.load_sweep`'):
      flsec.load(grid)


class TestSweep:
  def test_holds_every_run_by_its_cell(self, grid):
    swept = flsec.load_sweep(grid)
    folders = {path.parent.name for path in grid.rglob('metrics.jsonl')}
    assert set(swept) == folders and len(swept) == len(folders) > 8
    name = next(iter(swept))
    assert swept[name].path == grid / name

  def test_draws_the_heat_maps_of_the_report(self, grid):
    figures = flsec.load_sweep(grid).figures()
    assert 'map_accuracy_last' in figures

  def test_tables_are_those_of_the_report(self, grid):
    from flsec.reporting import formats, report

    tables = flsec.load_sweep(grid).tables()
    expected = report.read(grid).tables
    assert tables == {one.name: formats.to_text(one) for one in expected}

  def test_an_empty_folder_is_refused(self, tmp_path):
    with pytest.raises(ValueError, match='holds no run'):
      flsec.load_sweep(tmp_path)
