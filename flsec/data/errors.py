"""The errors that a data set raises."""

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


class DatasetError(ValueError):
  """The arrays of a data set are not what clients can train on."""

  def __init__(self, name: str, found: str, remedy: str):
    """Says what is wrong with a data set and what to do about it.

    Args:
      name: of the data set.
      found: what is wrong, as a clause.
      remedy: what to do, as a clause.
    """
    super().__init__(f'Data set {name!r}: {found}. {remedy}.')
