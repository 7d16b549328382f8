"""Chooses the device that client work runs on, and sets it up."""

import dataclasses

import tensorflow as tf
from absl import logging

from flsec.config import schema

# In the order in which `auto` takes them.
_ACCELERATORS = ('TPU', 'GPU')


@dataclasses.dataclass(frozen=True)
class Device:
  """Where client work and the server step run.

  Attributes:
    name: TensorFlow's name, such as '/GPU:0'.
    uses_xla: whether XLA compiles them; needs padded shards.
  """

  name: str = '/CPU:0'
  uses_xla: bool = False


def choose_device(config: schema.RuntimeConfig) -> Device:
  """Chooses the device of a run.

  XLA compiles the work on an accelerator. On a CPU it is 20 times slower than
  TensorFlow's own kernels, so it is used there only where `xla: always` asks
  for it, to check the compiled program.

  Args:
    config: `device`, `xla`, `tensor_float_32` and `memory_growth`.

  Returns:
    The device.

  Raises:
    ValueError: TensorFlow sees no such device, or XLA is asked for under a
      context that TFF's own worker runs.
  """
  kind = _kind(config)
  set_precision(config)
  if config.context != 'in_process':
    if kind != 'CPU' and config.device != 'auto':
      raise ValueError(
        f"runtime.device: TFF's worker runs on the CPU only; got "
        f'{config.device} with runtime.context={config.context}. Use '
        'in_process for an accelerator.'
      )
    return Device()
  if kind == 'GPU' and config.memory_growth:
    for gpu in tf.config.list_physical_devices('GPU'):
      tf.config.experimental.set_memory_growth(gpu, True)
  uses_xla = config.xla == 'always' or (config.xla == 'auto' and kind != 'CPU')
  device = Device(f'/{kind}:0', uses_xla)
  logging.info('Client work runs on %s%s.', device.name, ' (XLA)' * uses_xla)
  return device


def set_precision(config: schema.RuntimeConfig) -> None:
  """Says how products are rounded on GPUs, also in programs traced from now on.

  Args:
    config: `tensor_float_32`.
  """
  tf.config.experimental.enable_tensor_float_32_execution(
    config.tensor_float_32
  )


def _kind(config: schema.RuntimeConfig) -> str:
  seen = {device.device_type for device in tf.config.list_physical_devices()}
  if config.device == 'auto':
    found = [kind for kind in _ACCELERATORS if kind in seen]
    return found[0] if found else 'CPU'
  kind = config.device.upper()
  if kind not in seen:
    raise ValueError(
      f'runtime.device={config.device}, but TensorFlow sees only '
      f'{", ".join(sorted(seen))}. Use device: auto, or install the GPU '
      'requirements (BUILD.md) and check with `flsec doctor`.'
    )
  return kind
