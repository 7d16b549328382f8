"""A TensorBoard profile of a few rounds."""

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Optional

import tensorflow as tf

# The first round also traces and compiles.
_FIRST, _LAST = 2, 3


@contextlib.contextmanager
def profiled(
  directory: Optional[pathlib.Path], session_round: int
) -> Iterator[None]:
  """Profiles the rounds that are worth it.

  Args:
    directory: the TensorBoard log directory; None: no profile.
    session_round: rounds since this session began, from 1.
  """
  if directory is None or not _FIRST <= session_round <= _LAST:
    yield
    return
  if session_round == _FIRST:
    tf.profiler.experimental.start(str(directory))
  try:
    with tf.profiler.experimental.Trace('round', step_num=session_round):
      yield
  except BaseException:
    tf.profiler.experimental.stop(save=False)
    raise
  if session_round == _LAST:
    tf.profiler.experimental.stop()
