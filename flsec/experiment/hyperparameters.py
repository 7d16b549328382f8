"""The settings of a run as TensorBoard's HParams compares them."""

from collections.abc import Iterator, Mapping
from typing import Any, Union

Value = Union[bool, int, float, str]

# What only describes a run, or says where it runs.
_LEFT_OUT = ('name', 'description', 'plugins', 'runtime')


def hyperparameters(config: Mapping[str, Any]) -> dict[str, Value]:
  """Returns a resolved configuration's settings by their dotted paths.

  A component is its name and its options; what is not given is `none`, so that
  runs of a sweep have the same columns as far as they can.

  Args:
    config: as `flsec.config.dump.to_dict` gives it.
  """
  kept = {key: one for key, one in config.items() if key not in _LEFT_OUT}
  return dict(_leaves(kept, ''))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Value]]:
  if isinstance(value, Mapping) and value:
    for key, one in value.items():
      yield from _leaves(one, f'{path}.{key}' if path else str(key))
  elif isinstance(value, (list, tuple)) and any(
    isinstance(one, Mapping) for one in value
  ):
    for i, one in enumerate(value):
      yield from _leaves(one, f'{path}.{i}')
  else:
    yield _short(path), _plain(value)


def _short(path: str) -> str:
  """Returns `attack` for `attack.name`."""
  return path[: -len('.name')] if path.endswith('.name') else path


def _plain(value: Any) -> Value:
  if isinstance(value, (bool, int, float, str)):
    return value
  if value is None or value in ((), [], {}):
    return 'none'
  if isinstance(value, (list, tuple)):
    return ', '.join(map(str, value))
  return str(value)
