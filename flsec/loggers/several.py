"""Several loggers as one."""

from collections.abc import Mapping
from typing import Any

from absl import logging

from flsec.loggers.logger import Logger, Run


class LoggerError(ValueError):
  """A logger cannot begin; the message names it."""


class Several(Logger):
  """Hands all that it is given to several loggers.

  One that may fail and does is left out from then on, with a warning.
  """

  def __init__(self, loggers: Mapping[str, Logger]) -> None:
    """Begins nothing.

    Args:
      loggers: by the names that messages call them.
    """
    self._loggers = dict(loggers)

  def begin(self, run: Run) -> None:
    """Begins with each.

    Raises:
      LoggerError: one that may fail later did so now.
    """
    for name, logger in self._loggers.items():
      try:
        logger.begin(run)
      except Exception as error:
        if not logger.may_fail:
          raise
        raise LoggerError(
          f'{name} cannot begin: {_line(error)}. Set it up, or take it out.'
        ) from error

  def scalars(self, step: int, values: Mapping[str, float]) -> None:
    self._tell('scalars', step, values)

  def text(self, step: int, name: str, text: str) -> None:
    self._tell('text', step, name, text)

  def image(self, step: int, name: str, image: Any) -> None:
    self._tell('image', step, name, image)

  def histogram(self, step: int, name: str, values: Any) -> None:
    self._tell('histogram', step, name, values)

  def close(self) -> None:
    self._tell('close')

  def _tell(self, method: str, *arguments: Any) -> None:
    for name, logger in list(self._loggers.items()):
      try:
        getattr(logger, method)(*arguments)
      except Exception as error:
        if not logger.may_fail:
          raise
        logging.warning(
          'The logger %s failed (%s), and the run goes on without it. Its '
          'numbers are in metrics.jsonl.',
          name,
          _line(error),
        )
        del self._loggers[name]


def _line(error: Exception) -> str:
  return f'{type(error).__name__}: {" ".join(str(error).split())}'
