import pytest

from benchmarks import aggregator_cases, aggregators
from benchmarks.aggregator_cases import CASES

BY_NAME = {case.name: case for case in CASES}


@pytest.mark.parametrize(
  ('name', 'numpy_seconds', 'wanted'),
  [
    ('median', 0.3, 0.2),
    ('median', 3.0, 1.0),
    ('trimmed_mean', 1.2, 0.4),
    ('krum', 9.0, 0.3),
    ('multi_krum', 9.0, 0.3),
    ('geometric_median', 9.0, 0.3),
    ('merged_density', 9.0, 0.3),
    ('bulyan', 9.0, 0.6),
    ('mean', 9.0, None),
  ],
)
def test_limits_follow_from_what_is_measured(name, numpy_seconds, wanted):
  found = aggregators.limit_seconds(BY_NAME[name], 0.1, numpy_seconds)
  assert found == (wanted and pytest.approx(wanted))


@pytest.mark.parametrize(
  ('seconds', 'limit', 'memory', 'wanted'),
  [
    (0.2, 0.2, 1.6, 'ok (at most 0.200 s)'),
    (0.3, 0.2, 1.0, 'TOO SLOW (at most 0.200 s)'),
    (9.0, None, 1.0, ''),
    (9.0, None, 1.7, 'TOO MUCH MEMORY (at most 1.6x)'),
    (
      0.3,
      0.2,
      2.0,
      'TOO SLOW (at most 0.200 s), TOO MUCH MEMORY (at most 1.6x)',
    ),
  ],
)
def test_a_row_says_what_it_misses(seconds, limit, memory, wanted):
  assert aggregators.judge(seconds, limit, memory, 1.6) == wanted


def test_both_tables_name_their_dimension_and_what_has_no_case(
  capsys, monkeypatch
):
  few = [BY_NAME[n] for n in ('mean', 'minimum_diameter', 'fltrust')]
  monkeypatch.setattr(aggregators, 'CASES', few)
  monkeypatch.setattr(aggregator_cases, 'CASES', few)
  monkeypatch.setattr(aggregators, '_torch_seconds', lambda *_: None)
  aggregators.main('25', '600', '1')
  lines = capsys.readouterr().out.splitlines()
  assert lines[0].startswith('no case for: ')
  assert 'krum, ' in lines[0] and 'fltrust' not in lines[0]
  assert lines[1].startswith('[25, 600] f=5, ')
  assert lines[3].startswith('mean ')
  assert lines[4].startswith('minimum_diameter ')
  assert lines[4].endswith('n=20, f=4: small n only')
  assert lines[5].startswith('[25, 605] f=5, a perceptron of (24, 17, 10)')
  assert lines[7].startswith('fltrust ')
  assert len(lines) == 8


def test_limits_hold_at_the_targeted_shape_only(capsys, monkeypatch):
  monkeypatch.setattr(aggregators, 'CASES', [BY_NAME['bulyan']])
  monkeypatch.setattr(aggregators, '_torch_seconds', lambda *_: None)
  aggregators.main(20, 600, 1)
  assert 'at most' not in capsys.readouterr().out
  monkeypatch.setattr(aggregators, '_TARGETED_SHAPE', (20, 600))
  aggregators.main(20, 600, 1)
  assert '(at most 0.600 s)' in capsys.readouterr().out
