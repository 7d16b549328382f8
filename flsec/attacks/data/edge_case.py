"""Edge-case backdoor: rare examples, given by a file, taught as the target."""

from collections.abc import Sequence
from typing import Optional

import numpy as np
import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext, Victims
from flsec.attacks.data.backdoor import choose_rows, replace_rows
from flsec.attacks.data.label_flip import check_label
from flsec.attacks.data.numpy_file import check_numbers, read_arrays
from flsec.attacks.data.random_integers import random_integers


@registry.attack('edge_case', paper='Wang et al., NeurIPS 2020')
def edge_case(
  *,
  file: str,
  target_label: int = 1,
  num_poisoned: Optional[int] = None,
  poison_fraction: Optional[float] = None,
  scale: float = 1.0 / 255.0,
  shift: float = 0.0,
  num_classes: Optional[int] = None,
  input_shape: Optional[tuple[int, ...]] = None,
) -> Attack:
  """Replaces some examples of each batch by rare ones labelled as the target.

  The chosen rows of a batch become examples drawn at random, with replacement,
  from the file's `x_train`, labelled target_label. The victims are the file's
  `x_test`, all of them: there is no trigger, and the test set is not looked at.

  Args:
    file: an .npz file with the arrays x_train [k, ...] and x_test [m, ...] of
      examples in the shape of the data set's, such as ARDIS sevens.
    target_label: the class that they are taught as.
    num_poisoned: replaced rows a batch, all if there are fewer.
    poison_fraction: or their share of the batch; 1/8 where neither is given.
    scale: model input = stored * scale + shift, for uint8 arrays; floating
      arrays are in model input units already.
    shift: see scale.
    num_classes: classes of the data set, to check the label against.
    input_shape: of one example, to check the file against.

  Returns:
    The attack, with the hooks `poison` and `victims`.

  Raises:
    ValueError: a file that is missing, unreadable, lacks an array, is empty or
      of another shape; a label, count or share out of bounds.

  References:
    Wang et al., "Attack of the tails: yes, you really can backdoor federated
    learning", NeurIPS 2020, section 3.
  """
  check_label('target_label', target_label, num_classes)
  x_train, x_test = _read(file, input_shape)
  choose = choose_rows(None, num_poisoned, poison_fraction)

  def as_input(stored: tf.Tensor) -> tf.Tensor:
    if stored.dtype == tf.uint8:
      return tf.cast(stored, tf.float32) * scale + shift
    return tf.cast(stored, tf.float32)

  def poison(
    x: tf.Tensor, y: tf.Tensor, context: AttackContext
  ) -> tuple[tf.Tensor, tf.Tensor]:
    _check_shape(file, x_train, x.shape[1:])
    drawn = random_integers(context.seed, tf.shape(y)) % len(x_train)
    chosen = choose(y)
    x = replace_rows(chosen, as_input(tf.gather(x_train, drawn)), x)
    return x, tf.where(chosen, target_label, y)

  def victims(x: tf.Tensor, y: tf.Tensor) -> Victims:
    del x, y
    count = len(x_test)
    return Victims(
      as_input(tf.constant(x_test)),
      tf.fill([count], target_label),
      tf.ones([count], tf.bool),
      are_test_examples=False,
    )

  return Attack('edge_case', poison=poison, victims=victims)


def _read(
  path: str, input_shape: Optional[tuple[int, ...]]
) -> tuple[np.ndarray, np.ndarray]:
  arrays = read_arrays('edge_case', path)
  for name in ('x_train', 'x_test'):
    if name not in arrays or not arrays[name].shape or not len(arrays[name]):
      raise ValueError(
        f'edge_case needs at least one example in the array {name} of {path}; '
        f'the file holds {", ".join(arrays) or "nothing"}.'
      )
    check_numbers('edge_case', path, name, arrays[name])
  shape = input_shape or arrays['x_train'].shape[1:]
  for name in ('x_train', 'x_test'):
    _check_shape(f'{path} ({name})', arrays[name], shape)
  return arrays['x_train'], arrays['x_test']


def _check_shape(path: str, examples: np.ndarray, shape: Sequence[int]) -> None:
  if tuple(examples.shape[1:]) != tuple(shape):
    raise ValueError(
      f'edge_case: the examples of {path} have shape {examples.shape[1:]}, the '
      f"data set's {tuple(shape)}. Convert the file."
    )
