"""The experiments that come with flsec, by name."""

import pathlib

# What there is of a paper; no experiment.
CATALOGUE = 'catalogue.yaml'
# In a checkout a link to the folder beside setup.cfg.
FOLDER = pathlib.Path(__file__).resolve().parent.parent / 'experiments'


def path_of(name: str) -> str:
  """Returns the YAML file that a word names.

  Args:
    name: a file, or the name of a shipped experiment, such as `quickstart` or
      `flap/lenet5_mnist`; where there is a file of that name, it is meant.

  Returns:
    The file; the word itself where it names neither.
  """
  shipped = FOLDER / f'{name}.yaml'
  is_name = not pathlib.Path(name).is_absolute() and '..' not in name
  if is_name and not pathlib.Path(name).exists() and shipped.is_file():
    return str(shipped)
  return name


def experiments(folder: pathlib.Path) -> list[pathlib.Path]:
  """Returns the YAML files of a folder that are experiments."""
  return sorted(f for f in folder.rglob('*.yaml') if f.name != CATALOGUE)


def names() -> list[str]:
  """Returns the names of all shipped experiments."""
  found = experiments(FOLDER)
  return [str(f.relative_to(FOLDER).with_suffix('')) for f in found]
