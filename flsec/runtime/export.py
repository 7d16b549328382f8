"""Writes the programs that XLA compiles for a round, with their arguments.

Each program comes as HLO text to read, as a serialised HloModuleProto to run
elsewhere, and with an `.npz` of the arguments of one call and its results
(`argument_0`, ... and `result_0`, ... in the program's order), so that whoever
runs it can check it.
"""

import pathlib
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from flsec import atomic_file

STAGES = (('hlo', 'hlo.txt'), ('hlo_serialized', 'hlo.pb'))


def lowered(
  program: Callable[..., Any], arguments: list[tf.Tensor]
) -> tuple[bytes, list[np.ndarray]]:
  """Lowers a function to XLA's HLO, and runs nothing.

  Args:
    program: of the tensors in `arguments`; returns a list of tensors.
    arguments: of one call; their shapes are the program's.

  Returns:
    The serialised HloModuleProto, and the tensors that the function captures,
    which are the program's further arguments.
  """
  compiled = tf.function(program, jit_compile=True, autograph=False)
  concrete = compiled.get_concrete_function(*arguments)
  lower = compiled.experimental_get_compiler_ir(*arguments)
  captured = [one.numpy() for one in concrete.captured_inputs]
  return lower(stage='hlo_serialized'), captured


def export_program(
  directory: pathlib.Path,
  name: str,
  program: Callable[..., Any],
  arguments: list[tf.Tensor],
) -> list[pathlib.Path]:
  """Compiles a function with XLA and writes what it was compiled from.

  Args:
    directory: made where missing.
    name: of the files.
    program: of the tensors in `arguments`; returns a nest of tensors. Tensors
      that it captures follow as further arguments, in program and `.npz`.
    arguments: of one call; their shapes are the program's.

  Returns:
    The files written.
  """
  directory.mkdir(parents=True, exist_ok=True)
  compiled = tf.function(program, jit_compile=True, autograph=False)
  captured = compiled.get_concrete_function(*arguments).captured_inputs
  results = tf.nest.flatten(compiled(*arguments))
  lower = compiled.experimental_get_compiler_ir(*arguments)
  written = []
  for stage, suffix in STAGES:
    path = directory / f'{name}.{suffix}'
    atomic_file.write_atomically(path, lower(stage=stage))
    written.append(path)
  path = directory / f'{name}.npz'
  with open(path, 'wb') as file:
    np.savez(
      file,
      **{
        f'argument_{i}': leaf.numpy()
        for i, leaf in enumerate((*arguments, *captured))
      },
      **{f'result_{i}': leaf.numpy() for i, leaf in enumerate(results)},
    )
  return [*written, path]
