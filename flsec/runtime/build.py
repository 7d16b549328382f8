"""Chooses the runtime that an experiment asks for."""

import tensorflow_federated as tff

from flsec.config import schema
from flsec.runtime import runtime, threads
from flsec.runtime.device import Device


def build_runtime(
  config: schema.RuntimeConfig,
  process: tff.templates.IterativeProcess,
  device: Device,
  *,
  concatenates: bool = False,
) -> runtime.Runtime:
  """Builds the runtime of a process.

  Args:
    config: the context and its options.
    process: what it will run.
    device: where it runs in_process.
    concatenates: whether its merge only concatenates (see `InProcess`).

  Returns:
    A runtime; close it, or use it as a context manager.

  Raises:
    ValueError: an unknown context.
  """
  if config.context == 'in_process':
    from flsec.runtime import in_process

    return in_process.InProcess(
      process,
      num_threads=config.threads or threads.usable_cores(),
      device=device,
      concatenates=concatenates,
    )
  if config.context == 'tff_local':
    from flsec.runtime import tff_local

    return tff_local.TffLocal(process)
  if config.context == 'tff_remote':
    from flsec.runtime import tff_remote

    return tff_remote.TffRemote(
      process, workers=config.workers, retries=config.retries
    )
  raise ValueError(
    'runtime.context is in_process, tff_local or tff_remote; got '
    f'{config.context!r}.'
  )
