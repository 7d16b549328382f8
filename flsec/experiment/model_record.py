"""The model of a run, as a file in its folder: whose weights are whose."""

import json
import pathlib
import re
from collections.abc import Sequence
from typing import Any

from flsec import atomic_file
from flsec.models.flat import FlatModel

MODEL = 'model.json'
# Keras counts the names that it makes up through a process.
_COUNTER = re.compile(r'_\d+$')


class OtherModelError(ValueError):
  """Weights are those of another model."""


def write(folder: pathlib.Path, model: FlatModel) -> None:
  """Writes what the weights of a run are, and what the model is fed."""
  record = {
    'input_shape': list(model.input_shape),
    'num_classes': model.num_classes,
    'scale': model.scale,
    'shift': model.shift,
    'weights': [
      {'layer': layer, 'attribute': attribute, 'shape': list(shape)}
      for layer, attribute, shape in model.weight_names()
    ],
  }
  text = json.dumps(record, indent=1) + '\n'
  atomic_file.write_atomically(folder / MODEL, text)


def read(folder: pathlib.Path) -> dict[str, Any]:
  """Reads what `write` wrote.

  Raises:
    ValueError: the file is missing or damaged.
  """
  try:
    record = json.loads((folder / MODEL).read_text(encoding='utf-8'))
    names_of(record)
  except (OSError, ValueError, KeyError, TypeError) as error:
    raise ValueError(
      f'{folder / MODEL} cannot be read ({error}), so that it cannot be told '
      'whose weights are in the run. Run it again with this flsec.'
    ) from error
  return record


def names_of(record: Any) -> list[tuple[str, str, tuple[int, ...]]]:
  """Returns layer, attribute and shape of each weight of a record."""
  return [
    (one['layer'], one['attribute'], tuple(one['shape']))
    for one in record['weights']
  ]


def check_same(
  source: str,
  found: Sequence[tuple[str, str, tuple[int, ...]]],
  wanted: Sequence[tuple[str, str, tuple[int, ...]]],
) -> None:
  """Refuses weights of other layers than the model has.

  Args:
    source: where they are from, for the message.
    found: layer, attribute and shape of each.
    wanted: those of the model.

  Raises:
    OtherModelError: names the first difference.
  """
  for one, other in zip(found, wanted):
    if _plain(one) != _plain(other):
      raise OtherModelError(
        f'{source} has the weight {_show(one)} where the model has '
        f'{_show(other)}: it is of another architecture. Set `model` to its '
        'own.'
      )
  if len(found) != len(wanted):
    longer = found if len(found) > len(wanted) else wanted
    more = _show(longer[min(len(found), len(wanted))])
    where = 'it alone has' if longer is found else 'the model alone has'
    raise OtherModelError(
      f'{source} has {len(found)} weights and the model {len(wanted)}; {where} '
      f'{more}. Set `model` to its own.'
    )


def _plain(name: tuple[str, str, tuple[int, ...]]) -> tuple[Any, ...]:
  layer, attribute, shape = name
  return _COUNTER.sub('', layer), attribute, tuple(shape)


def _show(name: tuple[str, str, tuple[int, ...]]) -> str:
  layer, attribute, shape = name
  return f'{layer}/{attribute} {list(shape)}'
