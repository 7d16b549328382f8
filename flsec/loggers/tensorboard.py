"""TensorBoard events of a run, also across a kill and a resume."""

import contextlib
import errno
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, Optional

import numpy as np

from flsec import atomic_file, registry
from flsec.loggers.logger import Logger, Run

# Charts that show one number of all chosen runs, so that rules lie over each
# other: title of the group -> title of the chart -> patterns of names.
_CHARTS = {
  'Rules over each other': {
    'Test accuracy': ['test/accuracy$'],
    'Attack success': ['attack/success_rate$', 'attack/error_rate$'],
    'The same without the trigger': ['attack/clean_error_rate$'],
    'Malicious share of the result': ['rule/malicious_share$'],
    'Length of the aggregate': ['update_norm/aggregate$'],
  },
  'Within a run': {
    'Accuracy and attack': [
      'test/accuracy$',
      'attack/success_rate$',
      'attack/error_rate$',
    ],
    'Length of updates': ['update_norm/.*'],
    'Rows in the result': ['rule/selected_.*'],
    'Accuracy by class': ['test/accuracy_class_.*'],
    'Seconds': ['time/.*'],
  },
}


@registry.logger('tensorboard')
def tensorboard() -> Logger:
  """Write event files into the run's folder (`make tensorboard`)."""
  return TensorBoard()


class TensorBoard(Logger):
  """An event file of each session of a run.

  A session begins with a `SessionLog.START` event at its first step. Where an
  earlier session wrote events of that step or a later one, TensorBoard drops
  them for the new ones. The TensorFlow 2 writer has no call for it (the
  TensorFlow 1 `FileWriter.add_session_log` cannot be used eagerly), so the
  event is imported as it is.
  """

  def begin(self, run: Run) -> None:
    """Opens a new event file in the run's folder.

    The first session of a run starts at step 1, which leaves step 0 to texts,
    to the settings that HParams compares runs by, and to the charts.
    """
    # TensorFlow takes seconds to import; a report or a test of the rows does
    # without.
    import tensorflow as tf
    from tensorflow.python.ops import summary_ops_v2

    self._tf = tf
    self._directory = run.directory
    self._import_event = summary_ops_v2.import_event
    with self._told():
      self._writer = tf.summary.create_file_writer(str(run.directory))
    self._import(
      tf.compat.v1.Event(
        step=run.first_step,
        wall_time=time.time(),
        session_log=tf.compat.v1.SessionLog(
          status=tf.compat.v1.SessionLog.START
        ),
      )
    )
    if run.first_step == 1:
      self._describe(run)

  def _describe(self, run: Run) -> None:
    from tensorboard.plugins.hparams import api

    # The run's own name tells trials apart, not a hash of their settings.
    settings = api.hparams_pb(dict(run.settings), trial_id=run.cell)
    with self._writing(0):
      for summary in (settings, _charts()):
        self._tf.summary.experimental.write_raw_pb(summary.SerializeToString())

  def scalars(self, step: int, values: Mapping[str, float]) -> None:
    """Writes the numbers of a row in one event.

    They are written as `simple_value`, not as the tensors of
    `tf.summary.scalar`: TensorBoard shows both alike, but only these are also
    superseded in (and listed as scalars by) its `event_accumulator`, which
    scripts read events with.
    """
    summary = self._tf.compat.v1.Summary()
    for name, value in values.items():
      summary.value.add(tag=name, simple_value=value)
    self._import(
      self._tf.compat.v1.Event(
        step=step, wall_time=time.time(), summary=summary
      )
    )

  def text(self, step: int, name: str, text: str) -> None:
    with self._writing(step):
      self._tf.summary.text(name, text)

  def image(self, step: int, name: str, image: Any) -> None:
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4):
      raise ValueError(
        f'Image {name!r} must have shape [height, width, 1, 3 or 4]; got '
        f'{array.shape}.'
      )
    with self._writing(step):
      self._tf.summary.image(name, array[np.newaxis])

  def histogram(self, step: int, name: str, values: Any) -> None:
    """Writes a histogram of the finite ones among the values."""
    flat = np.asarray(values, np.float32).ravel()
    with self._writing(step):
      self._tf.summary.histogram(name, flat[np.isfinite(flat)])

  def _import(self, event: Any) -> None:
    with self._writing():
      self._import_event(event.SerializeToString())

  @contextlib.contextmanager
  def _writing(self, step: Optional[int] = None) -> Iterator[None]:
    """Lets summaries go into the file, and be there when it ends."""
    with self._told():
      with self._writer.as_default(step=step):
        yield
      self._writer.flush()

  @contextlib.contextmanager
  def _told(self) -> Iterator[None]:
    """Makes of TensorFlow's errors those of the system that they are."""
    with atomic_file.naming(self._directory):
      try:
        yield
      except self._tf.errors.ResourceExhaustedError as error:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
      except self._tf.errors.NotFoundError as error:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT)) from error

  def close(self) -> None:
    self._writer.close()


def _charts() -> Any:
  """Returns the layout of TensorBoard's custom scalars."""
  from tensorboard.plugins.custom_scalar import layout_pb2, summary

  groups = [
    layout_pb2.Category(
      title=title,
      chart=[
        layout_pb2.Chart(
          title=chart, multiline=layout_pb2.MultilineChartContent(tag=names)
        )
        for chart, names in charts.items()
      ],
    )
    for title, charts in _CHARTS.items()
  ]
  return summary.pb(layout_pb2.Layout(category=groups))
