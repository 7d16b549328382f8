"""The flags of every command that reads an experiment."""

import pathlib
from collections.abc import Sequence
from typing import Optional

from flsec.commands import flags
from flsec.commands.command import UsageError

_EXPERIMENTS = pathlib.Path('experiments')


def define(flag_values: flags.FlagValues) -> None:
  """Declares which experiment, with what changed, on which data."""
  flags.DEFINE_string(
    'config',
    None,
    'YAML file of the experiment, or the name of one that comes with flsec, '
    'such as quickstart.',
    flag_values=flag_values,
  )
  flags.DEFINE_multi_string(
    'set',
    [],
    'Change one value, as in --set=attack.scale=10; may be given repeatedly.',
    flag_values=flag_values,
  )
  flags.DEFINE_integer(
    'seed',
    None,
    "Root of every random draw, in place of the file's.",
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'size',
    'full',
    'Which of the sizes of the file (`sizes:`), as in --size=small.',
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'data_dir',
    None,
    'Folder of the data sets (default: $FLSEC_DATA_DIR, else data).',
    flag_values=flag_values,
  )
  flags.DEFINE_multi_string(
    'plugin',
    [],
    'Python file that registers further attacks, rules or pruners.',
    flag_values=flag_values,
  )


def config_file(flag: Optional[str], positional: Sequence[str]) -> str:
  """Returns the experiment that the command line names, in one way or other."""
  named = [*([flag] if flag else []), *positional]
  if len(named) != 1:
    from flsec.config import shipped

    here = [str(path) for path in shipped.experiments(_EXPERIMENTS)]
    there = (
      f' Here are: {", ".join(here)}.'
      if here
      else f' flsec comes with: {", ".join(shipped.names())}.'
    )
    what = f'got {len(named)}: {", ".join(named)}' if named else 'got none'
    raise UsageError(
      f'This command takes one --config=FILE.yaml; {what}.{there}'
    )
  return named[0]


def data_dir(flag: Optional[str]) -> str:
  """Returns the folder of the data sets."""
  from flsec.data import locate

  return flag or locate.default_data_dir()
