"""The commit of the checkout that this flsec is run from."""

import functools
import os
import pathlib
import subprocess
from typing import Optional

import flsec

# Behind a commit whose files had been changed.
CHANGED = '-changed'
_ROOT = pathlib.Path(flsec.__file__).resolve().parent.parent
# What a number comes from; the numbers themselves are no part of it.
_SOURCES = ('flsec', 'experiments', ':(exclude,glob)experiments/*/results/**')


@functools.cache
def commit() -> str:
  """Returns the commit of the text that this process runs.

  It is taken once, as early as it is asked for: the checkout may move on while
  a long run computes.

  Returns:
    The hash, with `CHANGED` behind it where a file in flsec/ or experiments/
    is not as committed; empty where flsec is installed without git.
  """
  return commit_of(_ROOT)


def commit_of(root: pathlib.Path) -> str:
  """Returns the commit of the checkout in a folder, as `commit` does."""
  # A folder of packages may lie in somebody else's checkout.
  if _git(root, 'ls-files', '--error-unmatch', 'flsec/__init__.py') is None:
    return ''
  found = _git(root, 'rev-parse', 'HEAD')
  changes = _git(root, 'status', '--porcelain', '-uall', '--', *_SOURCES)
  if not found or changes is None:
    return ''
  return found + (CHANGED if changes else '')


def between(first: Optional[str], last: Optional[str]) -> str:
  """Returns the commits of a run as one word.

  Args:
    first: of the process that began it; None or empty: not known.
    last: of the process that finished it.

  Returns:
    The one commit; `first..last` where a later text resumed it; empty where
    either is not known.
  """
  if not first or not last:
    return ''
  return last if first == last else f'{first}..{last}'


def _git(root: pathlib.Path, *words: str) -> Optional[str]:
  """Returns what git says; None: there is no git, or it refuses."""
  # A hook's environment names the checkout that it runs for.
  plain = {k: v for k, v in os.environ.items() if not k.startswith('GIT_')}
  try:
    # No lock on the index: somebody may be committing meanwhile.
    done = subprocess.run(
      ['git', '--no-optional-locks', '-C', str(root), *words],
      env=plain,
      check=True,
      capture_output=True,
      text=True,
    )
  except (OSError, subprocess.CalledProcessError):
    return None
  return done.stdout.strip()
