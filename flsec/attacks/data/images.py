"""Pictures of what an attack does to examples, for TensorBoard."""

import dataclasses

import numpy as np
import tensorflow as tf

from flsec.attacks.attack import Attack, AttackContext


@dataclasses.dataclass(frozen=True)
class Shown:
  """Examples to be looked at.

  Attributes:
    pixels: uint8 [k, h, w, channels].
    labels: int [k], their classes.
    wanted: int [k], what the attacker calls them.
  """

  pixels: np.ndarray
  labels: np.ndarray
  wanted: np.ndarray

  @classmethod
  def none(cls) -> 'Shown':
    """Nothing to be looked at."""
    labels = np.zeros(0, np.int32)
    return cls(np.zeros((0, 1, 1, 1), np.uint8), labels, labels)

  def __len__(self) -> int:
    return len(self.pixels)


def victim_images(
  attack: Attack,
  x: tf.Tensor,
  y: tf.Tensor,
  *,
  max_images: int = 8,
  input_range: tuple[float, float] = (0.0, 1.0),
) -> Shown:
  """Renders test images as the attack's success is measured on them.

  Args:
    attack: with `victims`; others give no image.
    x: float32 [s, h, w, channels], test images in model input units.
    y: int32 [s], their classes.
    max_images: how many at most, the first that count.
    input_range: (low, high) of the inputs, black and white.

  Returns:
    At most `max_images`; none where the attack has no victims among x or x are
    not images. Images of the attacker's own have its label as theirs.
  """
  if attack.victims is None or x.shape.rank != 4:
    return Shown.none()
  victims = attack.victims(x, y)
  rows = np.flatnonzero(victims.mask.numpy())[:max_images]
  wanted = victims.y.numpy()
  labels = y.numpy() if victims.are_test_examples else wanted
  pixels = _as_pixels(victims.x.numpy()[rows], input_range)
  return Shown(pixels, labels[rows], wanted[rows])


def poisoned_images(
  attack: Attack,
  x: tf.Tensor,
  y: tf.Tensor,
  context: AttackContext,
  *,
  max_images: int = 8,
  input_range: tuple[float, float] = (0.0, 1.0),
) -> Shown:
  """Renders a malicious client's batch where the attack changes it.

  Args:
    attack: with `poison`; others give no image.
    x: float32 [b, h, w, channels], the client's images in model input units.
    y: int32 [b], their classes.
    context: as `poison` takes it.
    max_images: how many at most.
    input_range: (low, high) of the inputs, black and white.

  Returns:
    The first whose picture changes, each as it was (left) and as it is trained
    on (right), [k, h, 2 w, channels]; of an attack that changes no picture the
    first whose label changes, [k, h, w, channels]. None where nothing changes
    or x are not images.
  """
  if attack.poison is None or x.shape.rank != 4:
    return Shown.none()
  new_x, new_y = (one.numpy() for one in attack.poison(x, y, context))
  old_x, old_y = x.numpy(), y.numpy()
  is_changed = (new_x != old_x).any(axis=(1, 2, 3))
  images = np.concatenate([old_x, new_x], axis=2)
  if not is_changed.any():
    is_changed, images = new_y != old_y, old_x
  rows = np.flatnonzero(is_changed)[:max_images]
  return Shown(_as_pixels(images[rows], input_range), old_y[rows], new_y[rows])


def _as_pixels(
  images: np.ndarray, input_range: tuple[float, float]
) -> np.ndarray:
  low, high = input_range
  shades = np.clip((images - low) / (high - low), 0.0, 1.0)
  return np.round(shades * 255.0).astype(np.uint8)
