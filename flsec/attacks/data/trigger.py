"""Backdoor triggers: input entries that are overwritten with fixed values."""

import dataclasses
import numbers
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np
import tensorflow as tf

from flsec import registry
from flsec.attacks.data import trigger_file
from flsec.attacks.data.trigger_presets import PRESETS

# What a trigger may be given as: a preset's name, or a description of it.
TriggerSpec = Union[str, Mapping[str, Any]]
Entry = tuple[tuple[int, ...], float]
_SHAPES = ('pixels', 'patch', 'features', 'file')
_KEYS = (*_SHAPES, 'position', 'value')


@dataclasses.dataclass(frozen=True)
class Trigger:
  """Input entries and what they are overwritten with.

  Attributes:
    name: how messages call it.
    entries: (index, value) pairs. An index is (row, column) for all channels of
      a pixel, (row, column, channel) or (feature,). A negative number counts
      from the end, -1 is the last, so that a corner is a corner at every image
      size. Values are in model input units.
  """

  name: str
  entries: tuple[Entry, ...]

  def dense(self, input_shape: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the trigger laid over one example.

    Args:
      input_shape: (height, width, channels) or (features,).

    Returns:
      mask bool [*input_shape], True where the trigger writes, and values
      float32 [*input_shape].

    Raises:
      ValueError: if the trigger lies outside the example, or is made for
        another kind of data.
    """
    shape = tuple(int(size) for size in input_shape)
    mask, values = np.zeros(shape, bool), np.zeros(shape, np.float32)
    for index, value in self.entries:
      self._check(index, shape)
      mask[index], values[index] = True, value
    return mask, values

  def stamp(self, x: tf.Tensor) -> tf.Tensor:
    """Returns x float32 [b, ...] with the trigger on every example."""
    mask, values = self.dense(x.shape[1:])
    return tf.where(mask, tf.constant(values, x.dtype), x)

  def _check(self, index: tuple[int, ...], shape: tuple[int, ...]) -> None:
    if (len(index) == 1) != (len(shape) == 1):
      of_trigger, of_data = 'an image', f'features (shape {shape})'
      way_out = 'Give `features`, or the preset agramplifier'
      if len(index) == 1:
        of_trigger, of_data = 'a feature', f'images (shape {shape})'
        way_out = 'Give `pixels`, a `patch`, or a preset such as feder_mnist'
      raise ValueError(
        f'{self.name} is {of_trigger} trigger, but the examples are '
        f'{of_data}. {way_out}.'
      )
    inside = len(index) <= len(shape) and all(
      -size <= place < size for place, size in zip(index, shape)
    )
    if not inside:
      raise ValueError(
        f'{self.name} writes at {index}, outside an example of shape {shape}. '
        'Move its position; negative numbers count from the end.'
      )


def build_trigger(
  spec: TriggerSpec, input_shape: Optional[Sequence[int]] = None
) -> Trigger:
  """Builds a trigger from a preset's name or a description.

  A description has one of
    pixels: [[row, column], ...] or [[row, column, channel], ...],
    patch: [height, width], placed with its upper left corner at `position`
      (default: in the bottom right corner),
    features: [index, ...] for tabular data,
    file: an .npy or .npz file (see `trigger_file`), placed likewise at
      `position` (default: the upper left corner),
  and `value`, in model input units, default 1: one number, or for `pixels` and
  `features` one an entry, or for a pixel or a patch one a channel: a list of
  lists for `pixels`, a list for `patch`.

  Args:
    spec: the name or the description.
    input_shape: of one example; None leaves the check to the first batch.

  Returns:
    The trigger.

  Raises:
    ValueError: an unknown name or key, a shape of numbers that makes no sense,
      or a trigger that does not fit input_shape.
  """
  name = 'The trigger'
  if isinstance(spec, str):
    if spec not in PRESETS:
      raise ValueError(registry.unknown_name('trigger', spec, PRESETS))
    name, spec = f'Trigger {spec!r}', PRESETS[spec]
  trigger = Trigger(name, _entries(spec))
  if input_shape is not None:
    trigger.dense(input_shape)
  return trigger


def union(triggers: Sequence[Trigger]) -> Trigger:
  """Returns the trigger that writes all that the given ones write."""
  entries = tuple(entry for trigger in triggers for entry in trigger.entries)
  return Trigger(' + '.join(trigger.name for trigger in triggers), entries)


def _entries(spec: Mapping[str, Any]) -> tuple[Entry, ...]:
  for key in spec:
    if key not in _KEYS:
      raise ValueError(
        registry.unknown_name('key of a trigger:', key, dict.fromkeys(_KEYS))
      )
  shapes = [key for key in _SHAPES if key in spec]
  if len(shapes) != 1:
    raise ValueError(
      f'A trigger needs exactly one of {", ".join(_SHAPES)}; got '
      f'{", ".join(shapes) or "none"}.'
    )
  (kind,) = shapes
  unused = 'value' if kind == 'file' else 'position'
  if unused in spec and kind != 'patch':
    raise ValueError(f'A trigger given by `{kind}` has no `{unused}`.')
  value = spec.get('value', 1.0)
  if kind == 'pixels':
    return _listed(kind, spec[kind], value, (2, 3))
  if kind == 'features':
    return _listed(kind, [[place] for place in spec[kind]], value, (1,))
  if kind == 'file':
    return trigger_file.read_entries(spec[kind], spec.get('position', (0, 0)))
  return _patch(spec[kind], spec.get('position'), value)


def _listed(
  kind: str, indices: Sequence[Any], value: Any, lengths: tuple[int, ...]
) -> tuple[Entry, ...]:
  if not indices:
    raise ValueError(f'A trigger needs at least one entry in `{kind}`.')
  is_single = isinstance(value, numbers.Real)
  values = [value] * len(indices) if is_single else list(value)
  if len(values) != len(indices):
    raise ValueError(
      f'A trigger with {len(indices)} {kind} needs one value, or as many; got '
      f'{len(values)}.'
    )
  entries: list[Entry] = []
  for index, its_value in zip(indices, values):
    if np.ndim(index) != 1 or len(index) not in lengths:
      raise ValueError(
        'A pixel of a trigger is [row, column] or [row, column, channel]; got '
        f'{index}.'
      )
    if not np.issubdtype(np.asarray(index).dtype, np.integer):
      raise ValueError(
        f'A trigger needs whole numbers in `{kind}`; got {index}.'
      )
    entries += _with_channels(tuple(index), its_value)
  return tuple(entries)


def _patch(
  size: Sequence[int], position: Optional[Sequence[int]], value: Any
) -> tuple[Entry, ...]:
  if np.shape(size) != (2,) or min(size) < 1:
    raise ValueError(
      f'The patch of a trigger is [height, width], both at least 1; got {size}.'
    )
  height, width = size
  top, left = (-height, -width) if position is None else position
  # A corner counted from the end must not run past it to the other side.
  if top < 0 < top + height or left < 0 < left + width:
    raise ValueError(
      f'A patch of {height}x{width} does not fit between position '
      f'[{top}, {left}] and the far corner. Use at most '
      f'[{-height}, {-width}].'
    )
  return tuple(
    entry
    for row in range(top, top + height)
    for column in range(left, left + width)
    for entry in _with_channels((row, column), value)
  )


def _with_channels(index: tuple[int, ...], value: Any) -> list[Entry]:
  """Splits a pixel with one value a channel into one entry a channel."""
  if isinstance(value, numbers.Real):
    return [(index, float(value))]
  return [((*index, c), float(part)) for c, part in enumerate(value)]
