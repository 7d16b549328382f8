"""TensorBoard events of a run, also across a kill and a resume."""

import contextlib
import errno
import os
import pathlib
import time
from collections.abc import Iterator, Mapping
from typing import Any, Optional

import numpy as np

from flsec import atomic_file
from flsec.experiment import metric_rows


class EventSink:
  """An event file of one session of a run.

  A session begins with a `SessionLog.START` event at its first round. Where an
  earlier session wrote events of that round or a later one, TensorBoard drops
  them for the new ones. The TensorFlow 2 writer has no call for it (the
  TensorFlow 1 `FileWriter.add_session_log` cannot be used eagerly), so the
  event is imported as it is.
  """

  def __init__(self, directory: pathlib.Path, *, first_round: int = 1) -> None:
    """Opens a new event file in `directory`.

    Args:
      directory: what `tensorboard --logdir` shows as one run.
      first_round: the first round of this session. The first session of a run
        starts at round 1, which leaves step 0 to texts.
    """
    # TensorFlow takes seconds to import; a report or a test of the rows does
    # without.
    import tensorflow as tf
    from tensorflow.python.ops import summary_ops_v2

    self._tf = tf
    self._directory = directory
    self._import_event = summary_ops_v2.import_event
    with self._told():
      self._writer = tf.summary.create_file_writer(str(directory))
    self._import(
      tf.compat.v1.Event(
        step=first_round,
        wall_time=time.time(),
        session_log=tf.compat.v1.SessionLog(
          status=tf.compat.v1.SessionLog.START
        ),
      )
    )

  def scalars(self, step: int, row: Mapping[str, Any]) -> None:
    """Writes all numbers of a row but its round, in one event.

    A step is a row: the steps of a search share their round.

    They are written as `simple_value`, not as the tensors of
    `tf.summary.scalar`: TensorBoard shows both alike, but only these are also
    superseded in (and listed as scalars by) its `event_accumulator`, which
    scripts read events with.
    """
    summary = self._tf.compat.v1.Summary()
    for name, value in row.items():
      if name not in (metric_rows.ROUND, metric_rows.PHASE):
        summary.value.add(tag=name, simple_value=value)
    self._import(
      self._tf.compat.v1.Event(
        step=step, wall_time=time.time(), summary=summary
      )
    )

  def text(self, step: int, name: str, text: str) -> None:
    """Writes Markdown."""
    with self._writing(step):
      self._tf.summary.text(name, text)

  def hyperparameters(self, values: Mapping[str, Any]) -> None:
    """Writes the settings that TensorBoard's HParams compares runs by."""
    from tensorboard.plugins.hparams import api

    # The run's own name tells trials apart, not a hash of their settings.
    summary = api.hparams_pb(dict(values), trial_id=self._directory.name)
    with self._writing(0):
      self._tf.summary.experimental.write_raw_pb(summary.SerializeToString())

  def image(self, step: int, name: str, image: Any) -> None:
    """Writes one picture, [h, w, channels]."""
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
    """Flushes and closes the file."""
    self._writer.close()
