"""Tries the two heavy imports in processes of their own.

A broken wheel may end the process that imports it, so that only a child can
tell of it.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

from flsec.commands import packages
from flsec.commands.finding import Finding, broken, fine, note

_LIMIT_SECONDS = 180
_TENSORFLOW = """
import json
import tensorflow as tf
kinds = [device.device_type for device in tf.config.list_physical_devices()]
built = tf.test.is_built_with_cuda()
print(json.dumps({'version': tf.__version__, 'kinds': kinds, 'cuda': built}))
"""
_FEDERATED = """
import json, os
import tensorflow_federated as tff
folder = os.path.dirname(tff.__file__)
worker = os.path.join(folder, 'data', 'worker_binary')
print(json.dumps({'version': tff.__version__, 'worker': worker}))
"""


def tensorflow() -> Iterator[Finding]:
  """Imports TensorFlow and says which devices it sees."""
  found, error = _ask(_TENSORFLOW)
  if error:
    yield broken(f'TensorFlow cannot be imported: {error}', _setup())
    return
  kinds = [kind for kind in found['kinds'] if kind in ('CPU', 'GPU', 'TPU')]
  counts = ', '.join(f'{kinds.count(k)} {k}' for k in dict.fromkeys(kinds))
  yield fine(f'TensorFlow {found["version"]}; devices: {counts or "none"}')
  if 'GPU' not in kinds and _has_nvidia_card():
    yield note(
      'there is an NVIDIA card, but TensorFlow does not see it',
      'Install the CUDA libraries: `pip install --no-deps -r '
      'requirements-gpu.txt`; BUILD.md has a section on GPUs.',
    )


def federated() -> Finding:
  """Imports TensorFlow Federated and looks for its worker."""
  found, error = _ask(_FEDERATED)
  if error:
    return broken(f'TensorFlow Federated cannot be imported: {error}', _setup())
  text = f'TensorFlow Federated {found["version"]}'
  if not os.access(found['worker'], os.X_OK):
    return note(
      f'{text}; its worker {found["worker"]} is not there or not executable',
      'runtime.context: in_process needs none; tff_local does. ' + _setup(),
    )
  return fine(f'{text}, worker included')


def _ask(program: str) -> tuple[dict[str, Any], str]:
  """Runs a program; returns the JSON of its last line, or what went wrong."""
  import json
  import subprocess

  environment = {**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '2'}
  try:
    answer = subprocess.run(
      [sys.executable, '-W', 'ignore', '-c', program],
      capture_output=True,
      text=True,
      timeout=_LIMIT_SECONDS,
      env=environment,
      check=False,
    )
  except subprocess.TimeoutExpired:
    return {}, f'it did not end within {_LIMIT_SECONDS} seconds'
  if answer.returncode < 0:
    return {}, f'the process was ended by signal {-answer.returncode}'
  if answer.returncode:
    lines = answer.stderr.strip().splitlines()
    return {}, lines[-1] if lines else f'exit code {answer.returncode}'
  return json.loads(answer.stdout.strip().splitlines()[-1]), ''


def _setup() -> str:
  return (
    f'Run `{packages.way_out()}`; BUILD.md has the versions that work together.'
  )


def _has_nvidia_card() -> bool:
  return os.path.exists('/proc/driver/nvidia/version')
