"""The loggers of an experiment as one."""

from flsec import registry
from flsec.config import schema
from flsec.loggers.logger import Logger
from flsec.loggers.several import Several


def build_logger(experiment: schema.Experiment) -> Logger:
  """Returns what hands a run's numbers to all of `runtime.loggers`."""
  return Several(
    {
      f'runtime.loggers.{index} ({one.name})': registry.build_supplied(
        'logger', one.name, one.options, {}
      )
      for index, one in enumerate(experiment.runtime.loggers)
    }
  )
