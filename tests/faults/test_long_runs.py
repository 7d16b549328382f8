"""What counts as growth, and a short run and sweep looked at.

`make long-runs` looks at 1,000 rounds and 100 cells.
"""

import long_runs
import pytest


def _samples(pages, threads=9, files=10):
  return [
    {
      'at': 'row',
      'pages': one,
      'threads': threads,
      'files': files,
      'names': ['a', 'b'],
    }
    for one in pages
  ]


def test_memory_may_grow_before_the_first_tenth_is_over():
  assert not long_runs.complaints(_samples([100, 200, *[1000] * 18]))


def test_memory_may_grow_by_less_than_a_twentieth_after_it():
  assert not long_runs.complaints(_samples([1000] * 19 + [1049]))
  assert long_runs.complaints(_samples([1000] * 19 + [1050])) == [
    'memory grew by 5.0%'
  ]


@pytest.mark.parametrize('what', ['threads', 'files'])
def test_threads_and_files_may_not_change(what):
  found = _samples([1000] * 20)
  found[1][what] = 7  # Within the first tenth.
  found[-1][what] = 11
  found[-2]['names'], found[-1]['names'] = ['b', 'c'], ['a', 'c', 'd']
  said = long_runs.complaints(found)
  assert said[0].startswith(f'{what} went from')
  assert said[1:] == (['c stays open'] if what == 'files' else [])


@pytest.mark.slow
def test_a_hundred_rounds_do_not_grow(tmp_path):
  found = long_runs.rounds(100, tmp_path)
  assert len(found) == 100
  assert not long_runs.complaints(found)


@pytest.mark.slow
def test_a_dozen_cells_do_not_grow(tmp_path):
  found = long_runs.cells(12, tmp_path)
  assert len(found) == 12
  # Memory takes its first few cells to settle, which are more than a tenth.
  assert not long_runs.complaints(found[3:])
