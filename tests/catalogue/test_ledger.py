"""docs/reproduction.md: every number in it comes from a recorded run."""

import dataclasses
import pathlib
import re
import runpy
import sys

import pytest
from made_up_papers import run, write

from flsec.catalogue import ledger, papers, printed, results
from flsec.config import loading
from flsec.experiment import phase_assembly

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_FOLDER = _ROOT / 'experiments'
_RECORDED = [
  entry
  for paper in papers.read(_FOLDER).values()
  for entry in paper.entries.values()
  if entry.results.exists()
]


def test_the_page_is_what_the_recorded_runs_say():
  text = (_ROOT / 'docs' / 'reproduction.md').read_text(encoding='utf-8')
  assert text == ledger.page(_FOLDER), (
    'python -m flsec.catalogue.ledger docs/reproduction.md'
  )


def test_every_recorded_number_has_a_run_behind_it():
  for entry in _RECORDED:
    _check_runs(entry)


def _check_runs(entry):
  """The runs are cells of the shipped experiment, of its rounds and seed.

  Fine-tuning adds rounds, as many as its phase allows.
  """
  cells = {}
  for one in results.read(entry.results):
    key = (one.size, one.seed)
    if key not in cells:
      cells[key] = {
        f'{cell.experiment.name}/{cell.name}': cell.experiment
        for run in entry.runs
        for cell in loading.load_cells(
          str(run.file), sweeps=[f'seed=[{one.seed}]'], size=one.size
        )
        if papers.holds(run.sweep, cell.labels)
      }
    assert one.run in cells[key], f'no cell of that name: {one.run}'
    experiment = cells[key][one.run]
    training = [
      phase.rounds.most or experiment.rounds
      for phase in phase_assembly.build_phases(experiment)
      if phase.rounds
    ]
    assert training[0] <= one.rounds <= sum(training)
    assert one.seed == experiment.seed
    assert len(one.fingerprint) == 16 and one.version
    # Empty where it was not noted, and never of a text that was not committed.
    assert re.fullmatch(r'([0-9a-f]{40}(\.\.(?=.))?){0,2}', one.commit), one.run


def test_no_result_file_is_of_nothing():
  files = set(_FOLDER.glob('*/results/*'))
  assert files == {entry.results for entry in _RECORDED}
  for entry in _RECORDED:
    assert results.read(entry.results)


@pytest.fixture
def root(tmp_path):
  write(tmp_path / 'experiments')
  (tmp_path / 'docs').mkdir()
  return tmp_path / 'experiments'


def _record(root, tmp_path):
  entry = papers.read(root)['mine'].entries['table1']
  cells = loading.load_cells(
    str(entry.runs[0].file), sweeps=['seed=[1, 2]'], size='small'
  )
  run(cells, tmp_path / 'runs')
  found = results.collect(
    entry, entry.runs[0], 'small', cells, tmp_path / 'runs'
  )
  results.record(entry.results, found)


def test_nothing_recorded_is_said(root):
  assert ledger.page(root).endswith('No run is recorded yet.\n')


def test_a_page(root, tmp_path):
  _record(root, tmp_path)
  path = ledger.write(root)
  assert path == tmp_path / 'docs' / 'reproduction.md'
  lines = path.read_text(encoding='utf-8').splitlines()
  # Printed 96, 10, 50, 40 and a loss of 9.5; ours 95.5, 85.5, 94.5, 92.5, 10.
  assert '**5 printed numbers have ours beside them.**' in lines
  # Near are the clean mean and the loss; the others stand to their neighbours
  # as in print.
  head = lines.index(
    '| paper | numbers | near | same order | differs, cause | differs |'
  )
  shares = '5 | 2 (40 %) | 3 (60 %) | 0 (0 %) | 0 (0 %) |'
  assert lines[head + 2 : head + 5] == [
    f'| Mine (Doe, 2024) | {shares}',
    f'| all | {shares}',
    '',
  ]
  assert (
    '| mean | none | accuracy | 96 ± 0.5 % | 95.5 [95, 96], n = 2 | -0.5 | '
    'within 2 points |'
  ) in lines
  assert (
    '| mean | flip | loss | 9.5 points | 10 [10, 10], n = 2 | +0.5 | '
    'within 2 points |'
  ) in lines
  assert (
    '| median | flip | accuracy | 40 % | 92.5 [92, 93], n = 2 | +52.5 | '
    'same order (2 of 2 neighbours) (print: a misprint) |'
  ) in lines
  assert any(
    'A smaller size: `mine/mine.yaml` (4 cells x 30 rounds x 20 clients); 8 '
    'runs recorded, seeds 1, 2 (the paper: 2)' in line
    for line in lines
  )


def test_a_number_counts_once_by_the_run_of_the_papers_size(root, tmp_path):
  _record(root, tmp_path)
  entry = papers.read(root)['mine'].entries['table1']
  small = results.read(entry.results)
  full = [
    dataclasses.replace(one, size='full', value=0.0)
    for one in small
    if one.measure == 'accuracy' and one.keys['rule'] == 'mean'
  ]
  results.record(entry.results, full)
  lines = ledger.page(root).splitlines()
  assert '**5 printed numbers have ours beside them.**' in lines
  # Of the paper's size are the mean's accuracies alone, 0 where 96 and 10 are
  # printed: both differ. The loss (near) and the medians (same order) are
  # the small runs'.
  verdicts = '1 (20 %) | 2 (40 %) | 0 (0 %) | 2 (40 %)'
  assert f'| all | 5 | {verdicts} |' in lines


def test_a_picture_has_a_row_a_cell_and_no_verdict(root, tmp_path):
  entry = papers.read(root)['mine'].entries['figure1']
  cells = loading.load_cells(
    str(entry.runs[0].file), sweeps=['seed=[1, 2]'], size='small'
  )
  cells = [c for c in cells if papers.holds(entry.runs[0].sweep, c.labels)]
  run(cells, tmp_path / 'runs')
  # The second seed of the mean is not done yet.
  results.record(
    entry.results,
    results.collect(
      entry,
      entry.runs[0],
      'small',
      [c for c in cells if c.labels['rule'] == 'median'] + cells[:1],
      tmp_path / 'runs',
    ),
  )
  assert cells[0].labels['rule'] == 'mean' and cells[0].experiment.seed == 1
  lines = ledger.page(root).splitlines()
  # Accuracies 0.84 and 0.91, and a hundredth a seed.
  title = lines.index('### Figure 1, small: a picture')
  assert 'A smaller size: `mine/mine.yaml`' in lines[title + 2]
  assert lines[title + 4 :] == [
    '| attack | rule | accuracy, % |',
    '| --- | --- | --- |',
    '| flip | mean | 85, n = 1 |',
    '| flip | median | 92.5 [92, 93], n = 2 |',
  ]
  assert not any('printed numbers have ours' in line for line in lines)


def test_the_protocol_says_the_commits(root, tmp_path):
  _record(root, tmp_path)
  entry = papers.read(root)['mine'].entries['table1']
  found = [
    dataclasses.replace(one, commit='') for one in results.read(entry.results)
  ]
  assert ledger.protocol(entry, 'small', found).endswith('flsec 0.1.0.')
  first, second = 'a' * 40, f'{"a" * 40}..{"b" * 40}'
  found[0] = dataclasses.replace(found[0], commit=first)
  said = ledger.protocol(entry, 'small', found)
  # The first of 8 runs has one number, the accuracy of the clean mean.
  assert ', commit aaaaaaaaaaaa (of 7 runs it was not noted).' in said
  found = [dataclasses.replace(one, commit=second) for one in found]
  found[0] = dataclasses.replace(found[0], commit=first)
  said = ledger.protocol(entry, 'small', found)
  assert ', commits aaaaaaaaaaaa, aaaaaaaaaaaa..bbbbbbbbbbbb.' in said


@pytest.mark.parametrize(
  'size, said',
  [
    ('full', "The paper's size: "),
    ('slow_start', "The paper's size, with settings of its own: "),
    ('half', 'A smaller size: '),
  ],
)
def test_the_protocol_says_how_large_a_size_is(size, said):
  entry = papers.read(_FOLDER)['feder'].entries['table3']
  found = results.read(entry.results)
  assert ledger.protocol(entry, size, found).startswith(said)


@pytest.mark.parametrize(
  'value, spread, unit, text',
  [
    (None, None, 'rounds', 'N/A rounds'),
    (0.96, None, '1', '0.96'),
    (87.63, 0.96, '%', '87.63 ± 0.96 %'),
  ],
)
def test_numbers_in_print(value, spread, unit, text):
  row = printed.PrintedValue({}, 'm', value, spread, unit, 'Table 1', '')
  assert ledger.in_print(row) == text


def test_writes_the_file_that_is_named(tmp_path, monkeypatch):
  path = tmp_path / 'page.md'
  monkeypatch.setattr(sys, 'argv', ['ledger', str(path)])
  monkeypatch.delitem(sys.modules, 'flsec.catalogue.ledger')
  runpy.run_module('flsec.catalogue.ledger', run_name='__main__')
  assert path.read_text('utf-8').startswith('# Reproduction')
