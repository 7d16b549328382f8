"""`flsec convert`: a configuration of FLAP's reference stack as one of ours."""

import os
import pathlib
import sys
import textwrap
import warnings
from collections.abc import Sequence

from flsec.commands import flags
from flsec.commands.command import Command, UsageError

_WIDTH = 80


def define_flags(flag_values: flags.FlagValues) -> None:
  """Declares the flags of `flsec convert`."""
  flags.DEFINE_string(
    'output',
    None,
    'File to write; the console where left out. An existing one is kept.',
    short_name='o',
    flag_values=flag_values,
  )


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Writes the converted YAML; what was not carried over goes to stderr.

  Raises:
    ConfigError: the result would be another experiment, or is none.
  """
  from flsec.config import loading, reference_stack, yaml_file
  from flsec.config.errors import ConfigError

  if len(positional) != 1:
    raise UsageError(
      f'`flsec convert` takes one YAML file; got {len(positional)} arguments.'
    )
  path = positional[0]
  raw = yaml_file.read_any(path)
  # A note for the authors of packages, not for who converts.
  warnings.filterwarnings('ignore', message='pkg_resources is deprecated')
  try:
    conversion = reference_stack.convert(raw)
    # TensorFlow takes seconds to import: not before the file is found good.
    from flsec.experiment import converted

    converted.check(loading.from_mapping(conversion.config))
  except ConfigError as error:
    raise error.at(path) from error
  text = yaml_file.write(conversion.config)
  header = f'# Converted from {os.path.basename(path)}.\n'
  comments = [_comment(one) for one in conversion.notes]
  document = ''.join([header, *comments, text])
  if flag_values.output is None:
    print(document, end='')
  else:
    _write(pathlib.Path(flag_values.output), document)
  if conversion.notes:
    print(
      f'{len(conversion.notes)} things to know before you run it:',
      *(f'  {one}' for one in conversion.notes),
      sep='\n',
      file=sys.stderr,
    )
  return 0


def _write(path: pathlib.Path, document: str) -> None:
  try:
    with open(path, 'x', encoding='utf-8') as file:
      file.write(document)
  except FileExistsError as error:
    raise UsageError(
      f'{path} is there already. Give another --output, or remove it.'
    ) from error


def _comment(note: str) -> str:
  return (
    textwrap.fill(
      f'- {note}',
      _WIDTH,
      initial_indent='# ',
      subsequent_indent='#   ',
      break_long_words=False,
      break_on_hyphens=False,
    )
    + '\n'
  )


COMMAND = Command(
  name='convert',
  summary="Convert a configuration of FLAP's reference stack (fl-analysis).",
  usage='REFERENCE.yml [-o OURS.yaml]',
  run=run,
  define_flags=define_flags,
  examples=('flsec convert config_lenet.yml -o experiments/lenet.yaml',),
)
