"""Made-up runs for tests of what is said of them."""

import types

import made_up_runs
import pytest

from flsec.reporting import cell as cell_lib


@pytest.fixture(scope='session')
def run_path(tmp_path_factory):
  """A finished run."""
  return made_up_runs.write_run(tmp_path_factory.mktemp('runs') / 'cell')


@pytest.fixture(scope='session')
def cell(run_path):
  """The finished run, as read from its folder."""
  return cell_lib.read_cell(run_path)


@pytest.fixture(scope='session')
def grid_path(tmp_path_factory):
  """An experiment of four rules, three attacks and none, and two seeds."""
  return made_up_runs.write_grid(tmp_path_factory.mktemp('runs') / 'grid')


@pytest.fixture(scope='session')
def make():
  """The functions that make runs up."""
  return types.SimpleNamespace(
    config=made_up_runs.config, rows=made_up_runs.rows,
    run=made_up_runs.write_run,
  )  # fmt: skip
