"""`flsec run` of a sweep, side by side and one after another."""

import pathlib
import subprocess
import sys

import pytest
import same_runs
import small_experiment

_HERE = pathlib.Path(__file__).parent
_FLAGS = [
  '--sweep=seed=[1,2]',
  '--sweep=server.aggregator=[trimmed_mean,doomed]',
  f'--plugin={_HERE / "failing_rule.py"}',
]


def _run(folder, *flags):
  file = folder / 'small.yaml'
  config = small_experiment.write(file)
  # With any seed somebody attacks.
  text = file.read_text()
  changed = text.replace(
    'start_round: 2', 'start_round: 2\n  placement: holders'
  )
  assert changed != text
  file.write_text(changed)
  command = [sys.executable, '-m', 'flsec.main', 'run', config, *flags]
  return subprocess.run(
    [*command, f'--output_dir={folder}'],
    capture_output=True, text=True, check=False, cwd=_HERE.parents[1],
  )  # fmt: skip


@pytest.fixture(scope='module')
def side_by_side(tmp_path_factory):
  folder = tmp_path_factory.mktemp('side_by_side')
  return folder / 'small', _run(folder, *_FLAGS, '--jobs=2')


@pytest.fixture(scope='module')
def one_after_another(tmp_path_factory):
  folder = tmp_path_factory.mktemp('one_after_another')
  return folder / 'small', _run(folder, *_FLAGS, '--jobs=1')


def test_both_give_the_same_bits(side_by_side, one_after_another):
  for seed in (1, 2):
    name = f'aggregator=trimmed_mean,seed={seed}'
    found, expected = (
      one[0] / name for one in (side_by_side, one_after_another)
    )
    same_runs.check(found, expected)
    texts = [(path / 'config.yaml').read_text() for path in (found, expected)]
    assert texts[0] == texts[1]


@pytest.mark.parametrize('way', ['side_by_side', 'one_after_another'])
def test_a_sweep_survives_its_cells(way, request):
  root, ended = request.getfixturevalue(way)
  assert ended.returncode == 1, ended.stderr
  assert 'flsec: 2 of 4 cells failed:' in ended.stderr
  assert 'there is no way' in ended.stderr and 'Traceback' not in ended.stderr
  for seed in (1, 2):
    failed = root / f'aggregator=doomed,seed={seed}'
    assert 'there is no way' in (failed / 'FAILED').read_text()
    assert not (failed / 'DONE').exists()
    done = root / f'aggregator=trimmed_mean,seed={seed}'
    assert (done / 'DONE').exists() and (done / 'report.html').exists()
    assert (done / 'log.txt').exists()
  page = (root / 'report.html').read_text()
  assert 'aggregator=doomed,seed=1</b> failed' in page
  assert 'failed' in ended.stdout and 'trimmed_mean' in ended.stdout


def test_progress_names_what_ended(side_by_side):
  text = side_by_side[1].stderr
  assert '/4] aggregator=trimmed_mean,seed=1: done in' in text
  assert '/4] aggregator=doomed,seed=2: FAILED:' in text
