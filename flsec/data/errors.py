"""The error that a missing or damaged data file raises."""

import os
from typing import Union

Path = Union[str, 'os.PathLike[str]']


class DataFileError(ValueError):
  """A data file is missing, damaged or not what its name says.

  Attributes:
    path: the file.
  """

  def __init__(self, path: Path, found: str, remedy: str):
    """Says what was found in a file and what to do about it.

    Args:
      path: the file.
      found: what is wrong with it, as a clause without its subject.
      remedy: one sentence that says what to do.
    """
    self.path = os.fspath(path)
    super().__init__(f'{self.path}: {found}. {remedy}')
