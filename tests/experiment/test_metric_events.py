"""TensorBoard shows what the CSV says."""

import numpy as np
import pytest
import written_rows as written
from tensorboard.backend.event_processing import plugin_event_accumulator

from flsec.experiment.metric_writer import MetricWriter
from flsec.loggers.tensorboard import TensorBoard


def _a_second_earlier(folder):
  """Names event files as if they were older: TensorBoard reads them by name."""
  for file in folder.glob('events.out.tfevents.*'):
    parts = file.name.split('.')
    parts[3] = str(int(parts[3]) - 1)
    file.rename(folder / '.'.join(parts))


class TestEvents:
  def test_scalars_are_those_of_the_rows(self, tmp_path):
    written.write(tmp_path, range(1, 7), logger=TensorBoard())
    for tag in ('test/accuracy', 'attack/error_rate', 'rule/dropped_rows'):
      expected = [
        (n, np.float32(written.metrics_of(n)[tag]))
        for n in range(1, 7)
        if tag in written.metrics_of(n)
      ]
      assert written.read_scalars(tmp_path, tag) == expected

  def test_rounds_after_the_checkpoint_are_superseded(self, tmp_path):
    with MetricWriter(tmp_path, logger=TensorBoard()) as writer:
      writer.write_text('config', '    rounds: 6')
      for round_number in range(1, 7):
        writer.write_row(round_number, {'a': -1.0, 'only_first': 1})
    _a_second_earlier(tmp_path)
    with MetricWriter(tmp_path, resume_after=3, logger=TensorBoard()) as writer:
      for round_number in range(4, 9):
        writer.write_row(round_number, {'a': 1.0})
    assert len(list(tmp_path.glob('events.out.tfevents.*'))) == 2
    assert written.read_scalars(tmp_path, 'a') == [
      (n, -1.0 if n <= 3 else 1.0) for n in range(1, 9)
    ]
    # Also a metric that the second session never writes.
    assert [s for s, _ in written.read_scalars(tmp_path, 'only_first')] == [
      1,
      2,
      3,
    ]
    assert [s for s, _ in written.read_text(tmp_path, 'config')] == [0]

  def test_a_torn_event_file_is_read_up_to_the_tear(self, tmp_path):
    written.write(tmp_path, range(1, 7), logger=TensorBoard())
    (events,) = tmp_path.glob('events.out.tfevents.*')
    events.write_bytes(events.read_bytes()[:-20])
    written.write(tmp_path, range(4, 7), resume_after=3, logger=TensorBoard())
    steps = [s for s, _ in written.read_scalars(tmp_path, 'rule/dropped_rows')]
    assert steps == [1, 2, 3, 4, 5, 6]

  def test_texts_pictures_and_histograms(self, tmp_path):
    with MetricWriter(tmp_path, logger=TensorBoard()) as writer:
      writer.write_text('config', 'name: quickstart')
      writer.write_image('data/labels', np.zeros([5, 7, 3], np.uint8), 2)
      writer.write_histogram('norms', np.array([1.0, np.nan, 3.0]), 2)
    reader = plugin_event_accumulator.EventAccumulator(str(tmp_path))
    reader.Reload()
    ((step, text),) = written.read_text(tmp_path, 'config')
    assert (step, text) == (0, b'name: quickstart')
    (image,) = reader.Tensors('data/labels')
    width, height, png = image.tensor_proto.string_val
    assert (image.step, width, height) == (2, b'7', b'5')
    assert png.startswith(b'\x89PNG')
    assert (
      reader.SummaryMetadata('norms').plugin_data.plugin_name == 'histograms'
    )

  def test_an_image_of_the_wrong_rank_is_refused(self, tmp_path):
    writer = MetricWriter(tmp_path, logger=TensorBoard())
    with pytest.raises(ValueError, match=r'got \(5, 7\)'):
      writer.write_image('x', np.zeros([5, 7]), 1)
    writer.close()

  def test_writing_without_a_logger_ignores_pictures(self, tmp_path):
    with MetricWriter(tmp_path) as writer:
      writer.write_image('x', np.zeros([5, 7, 3]), 1)
    assert not list(tmp_path.glob('events*'))
