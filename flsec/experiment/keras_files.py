"""Reads the weights that Keras wrote, and nothing else of its files.

Keras' own loader builds the model that a file describes, and a description may
hold code (a Lambda layer, any class of any module): CVE-2024-3660,
CVE-2025-1550, CVE-2025-9905. Here only arrays are taken, and the names that
stand beside them.
"""

import contextlib
import dataclasses
import io
import json
import pathlib
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Callable, Optional

import h5py
import numpy as np
import tensorflow as tf

# Layer, attribute and shape of a weight.
Name = tuple[str, str, tuple[int, ...]]
# Weights beyond it would be no model that flsec trains.
_MAX_BYTES = 4 * 2**30
_VARIABLE = re.compile(r'layer_with_weights-(\d+)/(\w+)/\.ATTRIBUTES/')
# Where Keras 2 and Keras 3 put a model's layers.
_LAYERS = ('_layer_checkpoint_dependencies', 'layers')


@dataclasses.dataclass(frozen=True)
class Stored:
  """A weight in a file.

  Attributes:
    layer, attribute: whose it is; None where the file does not say, or where
      the order says it (the layers of a Sequential model).
    shape: of the array.
    read: returns it.
  """

  layer: Optional[str]
  attribute: Optional[str]
  shape: tuple[int, ...]
  read: Callable[[], np.ndarray]


@contextlib.contextmanager
def opened(
  path: pathlib.Path, wanted: Sequence[Name]
) -> Iterator[list[Stored]]:
  """Yields the weights of a Keras file, which stays open meanwhile.

  Args:
    path: a `.h5` or `.keras` file, or the folder of a SavedModel.
    wanted: the weights of the model that they are for.

  Raises:
    Exception: of any kind, where the bytes are no such file.
  """
  if path.is_dir():
    yield _of_saved_model(path, wanted)
  elif zipfile.is_zipfile(path):
    with zipfile.ZipFile(path) as archive:
      config = json.loads(_member(archive, 'config.json'))
      weights = io.BytesIO(_member(archive, 'model.weights.h5'))
      with h5py.File(weights, 'r') as file:
        yield _of_archive(file, config)
  else:
    with h5py.File(path, 'r') as file:
      yield _of_h5(file)


def _of_h5(file: h5py.File) -> list[Stored]:
  config = json.loads(file.attrs['model_config'])
  in_order = config['class_name'] == 'Sequential'
  group = file['model_weights']
  return [
    _stored(
      group[_text(layer)][_text(weight)],
      None if in_order else _text(layer),
      _text(weight).rpartition('/')[2].partition(':')[0],
    )
    for layer in group.attrs['layer_names']
    for weight in group[_text(layer)].attrs['weight_names']
  ]


def _of_archive(file: h5py.File, config: Any) -> list[Stored]:
  in_order = config['class_name'] == 'Sequential'
  group = next(file[name] for name in _LAYERS if name in file)
  seen: Counter[str] = Counter()
  found = []
  for layer in config['config']['layers']:
    key = _snake_case(layer['class_name'])
    number = seen[key]
    seen[key] += 1
    key = f'{key}_{number}' if number else key
    if key not in group or 'vars' not in group[key]:
      continue
    arrays = group[key]['vars']
    name = None if in_order else layer['config']['name']
    found += [
      _stored(arrays[str(index)], name, None) for index in range(len(arrays))
    ]
  return found


def _of_saved_model(
  folder: pathlib.Path, wanted: Sequence[Name]
) -> list[Stored]:
  reader = tf.train.load_checkpoint(str(folder / 'variables' / 'variables'))
  layers = list(dict.fromkeys(layer for layer, _, _ in wanted))
  order = {
    (layers.index(layer), attribute): index
    for index, (layer, attribute, _) in enumerate(wanted)
  }
  found = []
  for key, shape in reader.get_variable_to_shape_map().items():
    match = _VARIABLE.match(key)
    if match:
      place = (int(match.group(1)), match.group(2))
      read = lambda key=key: reader.get_tensor(key)
      stored = Stored(None, place[1], tuple(shape), read)
      found.append((order.get(place, len(wanted)), place, stored))
  return [stored for _, _, stored in sorted(found, key=lambda one: one[:2])]


def _stored(
  dataset: h5py.Dataset, layer: Optional[str], attribute: Optional[str]
) -> Stored:
  # HDF5 can name another file to take the array from.
  if dataset.external or dataset.is_virtual:
    raise ValueError(f'{dataset.name} stands in another file')
  if dataset.nbytes > _MAX_BYTES:
    raise ValueError(f'{dataset.name} has {dataset.nbytes:,} bytes')
  return Stored(layer, attribute, dataset.shape, lambda: dataset[()])


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
  size = archive.getinfo(name).file_size
  if size > _MAX_BYTES:
    raise ValueError(f'{name} would unpack to {size:,} bytes')
  return archive.read(name)


def _snake_case(name: str) -> str:
  """Returns what a class is called in an archive, `MaxPooling2D` for one."""
  name = re.sub('(.)([A-Z][a-z]+)', r'\1_\2', re.sub(r'\W+', '', name))
  return re.sub('([a-z])([A-Z])', r'\1_\2', name).lower()


def _text(name: Any) -> str:
  return name.decode() if isinstance(name, bytes) else str(name)
