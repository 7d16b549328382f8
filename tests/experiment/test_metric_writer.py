"""Rows survive kills exactly."""

import csv
import json
import math

import numpy as np
import pytest
import written_rows as written

from flsec.experiment import metric_rows
from flsec.experiment.metric_writer import MetricWriter
from flsec.loggers.tensorboard import TensorBoard


def _table(directory):
  with open(directory / 'metrics.csv', newline='') as file:
    return list(csv.DictReader(file))


class TestRows:
  def test_columns_are_the_union_in_order_of_appearance(self, tmp_path):
    written.write(tmp_path, range(1, 6))
    table = _table(tmp_path)
    assert list(table[0]) == [
      'round',
      'update_norm/benign_mean',
      'rule/dropped_rows',
      'test/accuracy',
      'test/loss',
      'attack/error_rate',
    ]
    assert [row['round'] for row in table] == ['1', '2', '3', '4', '5']
    assert [bool(row['test/accuracy']) for row in table] == [
      False, True, False, True, False,
    ]  # fmt: skip
    assert table[3]['attack/error_rate'] == '1.3333334'

  def test_every_number_reads_back_exactly(self, tmp_path):
    written.write(tmp_path, range(1, 30))
    rows = metric_rows.read_rows(tmp_path / 'metrics.jsonl')
    for row, from_csv in zip(rows, _table(tmp_path)):
      for name, value in written.metrics_of(row['round']).items():
        read = type(value)(row[name])
        assert read == value
        assert type(value)(from_csv[name]) == value

  def test_float32_is_written_in_its_shortest_form(self, tmp_path):
    with MetricWriter(tmp_path) as writer:
      writer.write_row(
        1, {'a': np.float32(0.1), 'b': 0.1, 'c': np.float32(1e-9)}
      )
    assert _table(tmp_path)[0] == {
      'round': '1', 'a': '0.1', 'b': '0.1', 'c': '1e-09',
    }  # fmt: skip

  def test_not_a_number_and_infinities_survive(self, tmp_path):
    values = {'a': math.nan, 'b': math.inf, 'c': np.float32(-math.inf)}
    with MetricWriter(tmp_path) as writer:
      writer.write_row(1, values)
    text = (tmp_path / 'metrics.jsonl').read_text()

    def refuse(constant):
      raise AssertionError(f'{constant} is no JSON')

    json.loads(text, parse_constant=refuse)
    (row,) = metric_rows.read_rows(tmp_path / 'metrics.jsonl')
    assert math.isnan(row['a'])
    assert (row['b'], row['c']) == (math.inf, -math.inf)
    assert float(_table(tmp_path)[0]['c']) == -math.inf

  def test_a_row_is_on_the_disk_when_the_call_returns(self, tmp_path):
    writer = MetricWriter(tmp_path)
    for round_number in range(1, 7):
      writer.write_row(round_number, written.metrics_of(round_number))
      assert _table(tmp_path)[-1]['round'] == str(round_number)
      read = metric_rows.read_rows(tmp_path / 'metrics.jsonl')
      assert read == writer.rows

  def test_a_name_with_a_comma_is_quoted(self, tmp_path):
    with MetricWriter(tmp_path) as writer:
      writer.write_row(1, {'rule/a,b': 2})
    assert _table(tmp_path)[0]['rule/a,b'] == '2'


class TestRefusals:
  @pytest.mark.parametrize(
    'value', [np.zeros(3), 'high', None, np.array([], np.float32), 1j]
  )
  def test_a_metric_is_one_number(self, tmp_path, value):
    with MetricWriter(tmp_path) as writer:
      with pytest.raises(TypeError, match="'test/x' must be one number"):
        writer.write_row(1, {'test/x': value})
      assert writer.rows == []
    assert (tmp_path / 'metrics.jsonl').read_text() == ''

  @pytest.mark.parametrize('again', [1, 2])
  def test_rounds_rise(self, tmp_path, again):
    with MetricWriter(tmp_path) as writer:
      writer.write_row(2, {})
      with pytest.raises(ValueError, match='Rounds must rise'):
        writer.write_row(again, {})

  def test_steps_of_phases_may_share_a_round(self, tmp_path):
    rows = (
      (1, {'phase': 'train', 'phase/step': 1}),
      (1, {'phase': 'prune', 'phase/step': 1, 'phase/delta': math.inf}),
      (1, {'phase': 'prune', 'phase/step': 2}),
      (1, {'phase': 'tune', 'phase/step': 1}),
      (2, {'phase': 'tune', 'phase/step': 2}),
    )
    with MetricWriter(tmp_path, logger=TensorBoard()) as writer:
      for round_number, metrics in rows:
        writer.write_row(round_number, metrics)
      with pytest.raises(ValueError, match='Rounds must rise'):
        writer.write_row(2, {'phase': 'tune', 'phase/step': 2})
      with pytest.raises(ValueError, match='Rounds must rise'):
        writer.write_row(2, {})
    found = metric_rows.read_rows(tmp_path / 'metrics.jsonl')
    assert found == [{'round': r, **metrics} for r, metrics in rows]
    lines = (tmp_path / 'metrics.csv').read_text().splitlines()
    assert lines[:3] == [
      'round,phase,phase/step,phase/delta',
      '1,train,1,',
      '1,prune,1,inf',
    ]
    # TensorBoard counts rows.
    assert written.read_scalars(tmp_path, 'phase/step') == [
      (1, 1.0),
      (2, 1.0),
      (3, 2.0),
      (4, 1.0),
      (5, 2.0),
    ]

  def test_later_rows_that_are_their_own_record_stay(self, tmp_path):
    kept = {'phase': 'prune', 'phase/point': 0}
    with MetricWriter(tmp_path) as writer:
      writer.write_row(1, {'phase': 'train', 'phase/step': 1})
      for step in (1, 2):
        writer.write_row(1, {**kept, 'phase/step': step})
      writer.write_row(1, {'phase': 'prune', 'phase/step': 3})
    with MetricWriter(
      tmp_path,
      resume_after=1,
      is_kept=lambda row: 'phase/point' in row,
    ) as writer:
      assert [row['phase/step'] for row in writer.rows] == [1, 1, 2]
    assert len(metric_rows.read_rows(tmp_path / 'metrics.jsonl')) == 3

  def test_round_is_no_metric(self, tmp_path):
    writer = MetricWriter(tmp_path)
    with pytest.raises(ValueError, match="named 'round'"):
      writer.write_row(1, {'round': 3})

  @pytest.mark.parametrize(
    ('line', 'message'),
    [
      ('{"round": 1, "a"', 'line 2 is not a row'),
      ('{"a": 1}', 'line 2 is not a row'),
      ('{"round": 2, "a": "high"}', "'high' is no number"),
      ('[2]', 'line 2 is not a row'),
      ('{"round": "2"}', 'line 2 is not a row'),
      ('{"round": 2.5}', 'its round is 2.5'),
      ('{"round": true}', 'True is no number'),
      ('{"round": null}', 'None is no number'),
      ('{"round": 2, "a": [1]}', r'\[1\] is no number'),
      ('{"round": 2, "a": {"b": 1}}', 'is no number'),
      ('{"round": 2, "a": false}', 'False is no number'),
      ('null', 'line 2 is not a row'),
      ('{"round": 1}', 'round 1 follows round 1'),
    ],
  )
  def test_a_damaged_line_in_the_middle(self, tmp_path, line, message):
    path = tmp_path / 'metrics.jsonl'
    path.write_text(f'{{"round": 1}}\n{line}\n{{"round": 3}}\n')
    with pytest.raises(ValueError, match=message):
      metric_rows.read_rows(path)

  @pytest.mark.parametrize(
    ('rounds', 'last'),
    [([], 0), ([1], 1), ([1, 2, 3], 3), ([1, 2, 4, 5], 2), ([2, 3], 0)],
  )
  def test_the_last_round_before_a_gap(self, rounds, last):
    rows = [{'round': number} for number in rounds]
    assert metric_rows.num_whole_rows(rows) == last

  # That the last step of a phase is missing, nobody can tell but by its round.
  @pytest.mark.parametrize('missing', [0, 1, 2, 4])
  def test_the_last_step_before_a_gap(self, missing):
    steps = [
      (1, 'train', 1),
      (2, 'train', 2),
      (2, 'prune', 1),
      (2, 'prune', 2),
      (3, 'tune', 1),
      (3, 'tune', 2),
      (3, 'adjust', 1),
    ]
    rows = [
      {'round': number, 'phase': phase, 'phase/step': step}
      for number, phase, step in steps
    ]
    rows[2]['phase/point'], rows[3]['phase/point'] = 0, 1
    assert metric_rows.num_whole_rows(rows) == 7
    left = rows[:missing] + rows[missing + 1 :]
    assert metric_rows.num_whole_rows(left) == missing

  def test_rows_missing_before_the_checkpoint(self, tmp_path):
    written.write(tmp_path, range(1, 4))
    with pytest.raises(ValueError, match=r'has 3 rows.*saved after 5'):
      MetricWriter(tmp_path, resume_after=5)


class TestResume:
  @pytest.fixture
  def whole(self, tmp_path):
    cell = tmp_path / 'whole'
    cell.mkdir()
    written.write(cell, range(1, 10))
    return cell

  # Killed before, at and after the rounds where columns appear.
  @pytest.mark.parametrize('checkpoint', range(8))
  @pytest.mark.parametrize('torn', [False, True])
  def test_files_are_the_same_bit_for_bit(
    self, tmp_path, whole, checkpoint, torn
  ):
    cell = tmp_path / 'killed'
    cell.mkdir()
    written.write(cell, range(1, checkpoint + 3))
    if torn:
      for name in ('metrics.csv', 'metrics.jsonl'):
        data = (cell / name).read_bytes()
        (cell / name).write_bytes(data[: -len(data.splitlines()[-1]) // 2])
    written.write(cell, range(checkpoint + 1, 10), resume_after=checkpoint)
    for name in ('metrics.csv', 'metrics.jsonl'):
      assert (cell / name).read_bytes() == (whole / name).read_bytes()

  def test_a_csv_that_lags_behind_is_made_anew(self, tmp_path, whole):
    expected = (whole / 'metrics.csv').read_bytes()
    (whole / 'metrics.csv').write_bytes(b'')
    written.write(whole, [], resume_after=9)
    assert (whole / 'metrics.csv').read_bytes() == expected

  def test_rows_before_the_resume_are_there(self, whole):
    with MetricWriter(whole, resume_after=4) as writer:
      assert [row['round'] for row in writer.rows] == [1, 2, 3, 4]

  def test_a_torn_only_line_leaves_no_rows(self, tmp_path):
    (tmp_path / 'metrics.jsonl').write_bytes(b'{"round": 1, "test/acc')
    written.write(tmp_path, [])
    assert (tmp_path / 'metrics.jsonl').read_bytes() == b''
