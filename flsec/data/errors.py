"""The errors that a data set raises."""

import functools
import os
from typing import Any, Callable, TypeVar, Union

Path = Union[str, 'os.PathLike[str]']
_Reader = TypeVar('_Reader', bound=Callable[..., Any])


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


def guarded(remedy: str) -> Callable[[_Reader], _Reader]:
  """Makes any damage that a reader trips over a `DataFileError`.

  Files come from anywhere: whatever their bytes make a parser raise, the file
  is at fault, and the message has to name it.

  Args:
    remedy: one sentence that says what to do.

  Returns:
    A decorator for functions whose first argument is the file's path.
  """

  def decorate(read: _Reader) -> _Reader:
    @functools.wraps(read)
    def guarded_read(path: Path, *arguments: Any, **options: Any) -> Any:
      try:
        return read(path, *arguments, **options)
      except DataFileError:
        raise
      except MemoryError as error:
        found = 'promises more than the memory holds'
        raise DataFileError(path, found, remedy) from error
      except OSError as error:
        found = f'cannot be read ({error.strerror or error})'
        raise DataFileError(path, found, remedy) from error
      except Exception as error:
        first = (str(error).splitlines() or [''])[0][:200]
        found = f'is damaged ({type(error).__name__}: {first})'
        raise DataFileError(path, found, remedy) from error

    return guarded_read

  return decorate


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
