"""Pictures of what an attack does to examples, for TensorBoard."""

import numpy as np
import tensorflow as tf

from flsec.attacks.attack import Attack, AttackContext


def victim_images(
  attack: Attack,
  x: tf.Tensor,
  y: tf.Tensor,
  *,
  max_images: int = 8,
  input_range: tuple[float, float] = (0.0, 1.0),
) -> np.ndarray:
  """Renders test images as the attack's success is measured on them.

  Args:
    attack: with `victims`; others give no image.
    x: float32 [s, h, w, channels], test images in model input units.
    y: int32 [s], their classes.
    max_images: how many at most, the first that count.
    input_range: (low, high) of the inputs, black and white.

  Returns:
    uint8 [k, h, w, channels], k <= max_images; k = 0 where the attack has no
    victims among x or x are not images.
  """
  images = np.zeros((0, 1, 1, 1), np.float32)
  if attack.victims is not None and x.shape.rank == 4:
    victims = attack.victims(x, y)
    images = victims.x.numpy()[victims.mask.numpy()]
  return _as_pixels(images[:max_images], input_range)


def poisoned_images(
  attack: Attack,
  x: tf.Tensor,
  y: tf.Tensor,
  context: AttackContext,
  *,
  max_images: int = 8,
  input_range: tuple[float, float] = (0.0, 1.0),
) -> np.ndarray:
  """Renders a malicious client's batch where the attack changes it.

  Args:
    attack: with `poison`; others give no image.
    x: float32 [b, h, w, channels], the client's images in model input units.
    y: int32 [b], their classes.
    context: as `poison` takes it.
    max_images: how many at most, the first whose pixels or label change.
    input_range: (low, high) of the inputs, black and white.

  Returns:
    uint8 [k, h, 2 w, channels], k <= max_images: each image as it was (left)
    and as it is trained on (right); k = 0 where nothing changes or x are not
    images.
  """
  if attack.poison is None or x.shape.rank != 4:
    return np.zeros((0, 1, 2, 1), np.uint8)
  new_x, new_y = attack.poison(x, y, context)
  pairs = np.concatenate([x.numpy(), new_x.numpy()], axis=2)
  is_changed = (new_y != y).numpy()
  is_changed |= (new_x.numpy() != x.numpy()).any(axis=(1, 2, 3))
  return _as_pixels(pairs[is_changed][:max_images], input_range)


def _as_pixels(
  images: np.ndarray, input_range: tuple[float, float]
) -> np.ndarray:
  low, high = input_range
  shades = np.clip((images - low) / (high - low), 0.0, 1.0)
  return np.round(shades * 255.0).astype(np.uint8)
