"""Runs the programs of `flsec export` under JAX: numbers, and time.

On any device that JAX has, without TensorFlow:

    flsec export --config=experiments/quickstart.yaml --output_dir=hlo
    python benchmarks/exported.py hlo [hlo2 ...]

For each program: the largest difference between this device's results and those
that were exported with it (computed by XLA on the exporting machine's CPU), as
a share of the result's largest entry; the median time of a call with its
arguments on the device; and that time as a multiple of the device's floor: the
larger of the program's operations over the rate of a float32 matrix product,
and its bytes (arguments and results, each moved once) over the rate of a copy,
both measured in the same run.
"""

import pathlib
import statistics
import sys
import time
from typing import Any, Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import backend
from jaxlib import xla_client

_REPEATS = 20
_PRODUCT_SIZE = 8192
_COPY_FLOATS = 1 << 28


def load(path: pathlib.Path) -> Callable[..., list[jax.Array]]:
  """Compiles a serialised HloModuleProto for the first device."""
  return compiled(module_of(path))


def module_of(path: pathlib.Path) -> bytes:
  """Reads a serialised HloModuleProto as a StableHLO module."""
  return xla_client._xla.mlir.hlo_to_stablehlo(path.read_bytes())


def compiled(module: bytes) -> Callable[..., list[jax.Array]]:
  """Compiles a StableHLO module for the first device."""
  device = jax.devices()[0]
  executable = backend.get_backend().compile_and_load(
    module,
    xla_client.DeviceList((device,)),
    xla_client.CompileOptions(),
  )

  def call(*arguments: jax.Array) -> list[jax.Array]:
    results = executable.execute_sharded(list(arguments))
    return [r[0] for r in results.disassemble_into_single_device_arrays()]

  return call


def median_seconds(call: Callable[[], Any]) -> float:
  """Times a call to its end, after two that warm up."""
  seconds = []
  for _ in range(_REPEATS + 2):
    started = time.perf_counter()
    jax.block_until_ready(call())
    seconds.append(time.perf_counter() - started)
  return statistics.median(seconds[2:])


def flops_per_second() -> float:
  """Measures a float32 matrix product, at full float32 precision."""
  size = _PRODUCT_SIZE if jax.default_backend() != 'cpu' else 2048
  matrix = jax.random.normal(jax.random.PRNGKey(0), (size, size))
  product = jax.jit(lambda a: jnp.matmul(a, a, precision='highest'))
  return 2 * size**3 / median_seconds(lambda: product(matrix))


def bytes_per_second() -> float:
  """Measures a copy, counting what is read and what is written."""
  count = _COPY_FLOATS if jax.default_backend() != 'cpu' else 1 << 24
  values = jnp.ones(count, jnp.float32)
  copy = jax.jit(lambda a: a + 1.0)
  return 8 * count / median_seconds(lambda: copy(values))


def relative_difference(result: np.ndarray, expected: np.ndarray) -> float:
  """Returns ||result - expected|| / ||expected||, in float64."""
  apart = np.asarray(result, np.float64) - np.asarray(expected, np.float64)
  size = np.linalg.norm(np.asarray(expected, np.float64))
  return float(np.linalg.norm(apart) / size) if size else float(size != 0)


def check(path: pathlib.Path) -> dict[str, Any]:
  """Runs one program on its exported arguments.

  Returns:
    `compile_seconds`, `seconds` of a call, `bytes` of arguments and results,
    and by result its relative difference (`differences`).
  """
  with np.load(path.with_name(path.name.replace('.hlo.pb', '.npz'))) as file:
    arrays = dict(file)
  arguments = [arrays[f'argument_{i}'] for i in range(_count(arrays, 'arg'))]
  expected = [arrays[f'result_{i}'] for i in range(_count(arrays, 'res'))]
  started = time.perf_counter()
  call = load(path)
  compile_seconds = time.perf_counter() - started
  placed = [jax.device_put(argument) for argument in arguments]
  results = [np.asarray(result) for result in call(*placed)]
  return {
    'compile_seconds': compile_seconds,
    'seconds': median_seconds(lambda: call(*placed)),
    'bytes': sum(a.nbytes for a in (*arguments, *expected)),
    'differences': list(map(relative_difference, results, expected)),
  }


def _count(arrays: dict[str, np.ndarray], prefix: str) -> int:
  return sum(name.startswith(prefix) for name in arrays)


def main(directories: list[str]) -> None:
  """Checks every program of the directories, and prints a table."""
  # Seeds are int64; without this JAX would cut them to 32 bits.
  jax.config.update('jax_enable_x64', True)
  device, rate = jax.devices()[0], bytes_per_second()
  print(
    f'{device.device_kind}: {flops_per_second() / 1e12:.2f} TFLOP/s (float32), '
    f'{rate / 1e9:.0f} GB/s'
  )
  print(
    f'{"program":<44}{"compile s":>10}{"ms":>10}{"x copy":>9}{"difference":>12}'
  )
  for directory in directories:
    for path in sorted(pathlib.Path(directory).rglob('*.hlo.pb')):
      name = f'{path.parent.name}/{path.name.split(".")[0]}'
      try:
        row = check(path)
      except Exception as error:  # One that fails is a row of the table.
        print(f'{name:<44} {type(error).__name__}: {str(error)[:120]}')
        continue
      print(
        f'{name:<44}{row["compile_seconds"]:>10.1f}'
        f'{1e3 * row["seconds"]:>10.3f}'
        f'{row["seconds"] * rate / row["bytes"]:>9.1f}'
        f'{max(row["differences"]):>12.1e}',
        flush=True,
      )


if __name__ == '__main__':
  if not sys.argv[1:]:
    sys.exit(__doc__)
  main(sys.argv[1:])
