"""The configuration that a run was made of, as a file in its folder.

Its first line names the version, a checksum of the text below it, the
fingerprint, and the commit of the checkout that began the run.
"""

import dataclasses
import difflib
import hashlib
import pathlib
import re
from typing import Optional

import flsec
from flsec import atomic_file
from flsec.config import plugin_identity
from flsec.experiment import checkout
from flsec.experiment.folder_lock import WAY_OUT, RunDirectoryError

CONFIG = 'config.yaml'
_HEADER = re.compile(
  r'^# flsec \S+,(?: text (?P<digest>\w+),)? '
  r'fingerprint (?P<fingerprint>\S+?)(?:, commit (?P<commit>\S+))?$'
)
_DIFFERENCES_SHOWN = 6


@dataclasses.dataclass(frozen=True)
class Config:
  """What a cell's configuration says: None where there is none."""

  fingerprint: Optional[str] = None
  digest: Optional[str] = None  # Of the text; older folders have none.
  commit: Optional[str] = None  # Nor this, nor those of flsec without git.
  text: str = ''


def read(folder: pathlib.Path) -> Config:
  """Reads the configuration of a run."""
  try:
    whole = (folder / CONFIG).read_text(encoding='utf-8')
  except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
    return Config()
  header, _, text = whole.partition('\n')
  match = _HEADER.match(header)
  return Config(text=text, **(match.groupdict() if match else {}))


def _digest(text: str) -> str:
  return hashlib.sha256(text.encode()).hexdigest()[:16]


def check(folder: pathlib.Path, config_yaml: str, fingerprint: str) -> None:
  """Refuses a folder that another configuration made.

  Raises:
    RunDirectoryError: it says what differs.
  """
  config = read(folder)
  found = config.fingerprint
  if config.digest is not None and config.digest != _digest(config.text):
    raise RunDirectoryError(
      f'{folder / CONFIG} was edited after the run began, so that it does not '
      f'say any more what was run. Undo the edit, or: {WAY_OUT}'
    )
  if found == fingerprint:
    return
  if found is None:
    raise RunDirectoryError(
      f'{folder} holds a run whose {CONFIG} is missing or names no '
      f'fingerprint, so it cannot be told which experiment made it. {WAY_OUT}'
    )
  recorded = config.text.splitlines()
  lines = difflib.unified_diff(recorded, config_yaml.splitlines(), n=0)
  changes = [
    line for line in lines if line[0] in '+-' and line[:3] not in ('+++', '---')
  ]
  if changes and all(
    line[1:].startswith(plugin_identity.MARK) for line in changes
  ):
    names = dict.fromkeys(_plugin_name(line) for line in changes)
    raise RunDirectoryError(
      f'{folder} was made with another text of {", ".join(names)}: the plug-in '
      f'was edited since, so that these results are not its own. {WAY_OUT}'
    )
  shown = '\n  '.join(changes[:_DIFFERENCES_SHOWN])
  more = len(changes) - _DIFFERENCES_SHOWN
  shown += f'\n  ... and {more} more' if more > 0 else ''
  raise RunDirectoryError(
    f'{folder} was made by another configuration (fingerprint {found}; this '
    f'one has {fingerprint}). What differs, - there, + here:\n  {shown}\n'
    f'{WAY_OUT}'
  )


def _plugin_name(change: str) -> str:
  return change[1:].removeprefix(plugin_identity.MARK).partition(',')[0]


def write(folder: pathlib.Path, config_yaml: str, fingerprint: str) -> None:
  """Writes the configuration of a run, as YAML text."""
  header = (
    f'# flsec {flsec.__version__}, text {_digest(config_yaml)}, fingerprint '
    f'{fingerprint}'
  )
  if checkout.commit():
    header += f', commit {checkout.commit()}'
  atomic_file.write_atomically(folder / CONFIG, f'{header}\n{config_yaml}')
