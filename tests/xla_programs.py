"""Looks into what XLA makes of a function."""

import collections
import re

import tensorflow as tf

_KINDS = {
  'bool': 'pred',
  'float32': 'f32',
  'int32': 's32',
  'int64': 's64',
  'uint8': 'u8',
}


def is_compiled_once(function, *arguments):
  """Tells whether one program serves all values of the arguments.

  Where an operation wants a value when it is compiled (a slice's bounds, a
  shape), XLA folds whatever that value comes from into the program: it is then
  compiled anew in every round, the stack of updates as a constant in it.

  Args:
    function: of tensors, to a nest of tensors.
    *arguments: of a call.

  Returns:
    Whether each argument is a parameter of the program.
  """
  compiled = tf.function(function, jit_compile=True, autograph=False)
  tensors = [tf.convert_to_tensor(argument) for argument in arguments]
  program = compiled.experimental_get_compiler_ir(*tensors)(stage='hlo')
  entry = program[program.index('ENTRY') :]
  parameters = re.findall(r'= (\w+\[[\d,]*\])\S* parameter\(', entry)
  wanted = collections.Counter(map(_shape, tensors))
  return not wanted - collections.Counter(parameters)


def _shape(tensor):
  sizes = ','.join(map(str, tensor.shape))
  return f'{_KINDS[tensor.dtype.name]}[{sizes}]'
