"""`flsec report`: what it prints, writes and refuses."""

import json
import pathlib

import made_up_runs
import pytest

from flsec import main
from flsec.commands import report_flags
from flsec.commands.command import UsageError


@pytest.fixture(scope='module')
def sweep(tmp_path_factory):
  path = tmp_path_factory.mktemp('runs') / 'sweep'
  for rule in ('mean', 'krum'):
    for seed in (1, 2):
      made_up_runs.write_run(
        path / f'aggregator={rule},seed={seed}',
        made_up_runs.config(
          server__aggregator={'name': rule}, pruning=None, seed=seed
        ),
        made_up_runs.rows(seed, rounds=14, harm=0.9 if rule == 'mean' else 0.2),
        labels=False,
      )
  return path


@pytest.fixture
def call(capsys):
  def called(*arguments):
    with pytest.raises(SystemExit) as ended:
      main.run_app(['flsec', 'report', *map(str, arguments)])
    return ended.value.code or 0, *capsys.readouterr()

  return called


def test_tables_are_printed_and_the_page_written(call, sweep):
  code, text, _ = call(sweep)
  assert code == 0
  assert text.startswith('Runs, in %')
  assert 'median [least, greatest] of 2 seeds' in text
  assert text.endswith(f'{sweep}/report.html\n')


def test_for_programs_nothing_else_is_printed(call, sweep):
  code, text, error = call(sweep / 'aggregator=mean,seed=1', '--table=json')
  assert code == 0 and json.loads(text)['name'] == 'run'
  assert error.endswith('report.html\n')


def test_seeds_and_baseline(call, sweep):
  _, text, _ = call(sweep, '--seeds=mean', '--baseline=mean')
  assert 'mean ± standard deviation of 2 seeds' in text
  assert "Test accuracy, minus that of 'mean', in points" in text


def test_files(call, sweep):
  code, text, _ = call(
    sweep, '--format=pdf,tex', '--width=84mm', '--font=8', '--scale=full'
  )
  assert code == 0
  listed = [pathlib.Path(line) for line in text.split('\n\n')[-1].split()]
  assert {path.suffix for path in listed} == {'.html', '.pdf', '.tex'}
  assert all(path.exists() for path in listed)


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (['--format=docx'], "--format takes pdf, svg, png, csv, json, md, tex"),
    (['--width=3.3'], "takes a length in in, cm, mm, pt, such as 3.3in; got"),
    (['--width=1mm'], "--width is from 1in to 30in; got '1mm', 0.0394in."),
    (['--font=2'], 'flag --font=2'),
    (['--seeds=mode'], 'flag --seeds=mode'),
    (['--baseline=median'], "no defence 'median' to compare with"),
  ],
)  # fmt: skip
def test_refusals(call, sweep, arguments, message):
  before = sorted(sweep.rglob('*'))
  code, text, error = call(sweep, *arguments)
  assert code == 2 and text == ''
  assert message in error and 'Traceback' not in error
  assert sorted(sweep.rglob('*')) == before


def test_a_single_run_has_no_baseline(call, sweep):
  code, _, error = call(sweep / 'aggregator=mean,seed=1', '--baseline=mean')
  assert code == 2 and 'is a single run: there is nothing to compare' in error


@pytest.mark.parametrize(
  ('text', 'inches'),
  [
    ('3.3in', 3.3),
    ('8.4cm', 3.307087),
    ('84mm', 3.307087),
    ('240 pt', 3.32088),
  ],
)
def test_lengths(text, inches):
  assert report_flags.inches(text) == pytest.approx(inches, rel=1e-5)
  with pytest.raises(UsageError):
    report_flags.inches(f'-{text}')
