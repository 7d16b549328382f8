"""Loads a data set by its registered name."""

from typing import Any, Optional

from flsec import registry
from flsec.data import locate
from flsec.data.dataset import Dataset


def check_options(kind: str, name: str, options: dict[str, Any]) -> None:
  """Refuses an option that a component does not take, or lacks.

  Args:
    kind: the component's kind in the registry.
    name: its registered name.
    options: the options meant for it.

  Raises:
    ValueError: unknown component, unknown option or missing option.
  """
  entry = registry.entry(kind, name)
  for key in options:
    if key not in entry.option_names:
      raise ValueError(
        registry.unknown_name(
          f'option of {kind} {name!r}:', key, dict.fromkeys(entry.option_names)
        )
      )
  for option in entry.options:
    if option.is_required and option.name not in options:
      raise ValueError(f'{kind} {name!r} needs the option {option.name!r}.')


def load(name: str, data_dir: Optional[str] = None, **options: Any) -> Dataset:
  """Loads a data set.

    train = flsec.data.load('digits').x_train  # uint8 [1438, 28, 28, 1]

  Args:
    name: a registered data set (`flsec list datasets`).
    data_dir: the folder of its files; None means $FLSEC_DATA_DIR, else
      `data`. A data set that is not there is downloaded there.
    **options: the data set's own options.

  Returns:
    The data set, as stored.

  Raises:
    ValueError: unknown name or option.
    DataFileError: a file is missing, damaged or not the published one.
  """
  check_options('dataset', name, options)
  folder = locate.default_data_dir() if data_dir is None else data_dir
  found = registry.entry('dataset', name)
  dataset = found.load()(folder, **options)
  if not isinstance(dataset, Dataset):
    raise TypeError(
      f'{found.path}: data set {name!r} is a {type(dataset).__name__}; the '
      'function has to return a flsec.data.Dataset.'
    )
  return dataset
