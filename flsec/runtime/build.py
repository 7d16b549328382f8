"""Chooses the runtime that an experiment asks for."""

import dataclasses

import tensorflow_federated as tff
from absl import logging

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
    The context's runtime; `tff_local`'s, with a warning, for a process that
    cannot run in_process (those of flsec can). Close it, or use it as a context
    manager.

  Raises:
    ValueError: an unknown context, or a process that only `tff_local` can run
      and a device that it has not.
  """
  if config.context == 'in_process':
    from flsec.runtime import in_process

    try:
      return in_process.InProcess(
        process,
        num_threads=config.threads or threads.usable_cores(),
        device=device,
        concatenates=concatenates,
      )
    except runtime.UnsupportedProcessError as error:
      if device != Device():  # TFF's worker has no accelerator and no XLA.
        raise
      logging.warning('%s It runs under tff_local now.', error)
      config = dataclasses.replace(config, context='tff_local')
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
