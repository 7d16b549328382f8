"""Images moved and mirrored at random, each time a client trains on them."""

from typing import Callable, Optional

import tensorflow as tf

from flsec.config.clients import AugmentationConfig
from flsec.federated import seed_folding

# Sets its draws apart from those of a step's random layers.
_STREAM = -2
# (x [b, h, w, c] as stored, the step's seed) -> x.
Augment = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def build_augmentation(
  config: Optional[AugmentationConfig], input_shape: tuple[int, ...]
) -> Optional[Augment]:
  """Builds what changes the images of a batch; None: nothing does.

  Each image is framed with `crop_padding` zeros on every side, of which a
  window of its own size is cut at a place drawn evenly; with probability 1/2
  the window is mirrored, left to right, where `flip`. An image's draw depends
  on the seed and its place in the batch, not on how many others there are, and
  has the same bits on every device.

  Args:
    config: of the section `clients`.
    input_shape: of one stored example.

  Raises:
    ValueError: the examples are no images.

  References:
    He et al., CVPR 2016, section 4.2: 4 pixels on each side of CIFAR-10.
  """
  if config is None:
    return None
  if len(input_shape) != 3:
    raise ValueError(
      'clients.augmentation moves and mirrors images [height, width, '
      f'channels]; the examples have shape {tuple(input_shape)}. Leave it out.'
    )
  height, width, _ = input_shape
  margin = config.crop_padding

  def augment(x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    words = tf.random.stateless_uniform(
      [tf.shape(x)[0], 3],
      seed_folding.fold(seed, _STREAM),
      None,
      None,
      tf.int32,
      alg='philox',
    )
    words = tf.bitwise.right_shift(tf.cast(words, tf.int64) + 2**31, 3)
    offsets = tf.cast(words[:, :2] % (2 * margin + 1), tf.int32)
    rows = offsets[:, :1] + tf.range(height)  # [b, h]
    columns = tf.tile(tf.range(width)[tf.newaxis], [tf.shape(x)[0], 1])
    if config.flip:
      is_flipped = words[:, 2:] % 2 > 0
      columns = tf.where(is_flipped, width - 1 - columns, columns)
    columns += offsets[:, 1:]
    frame = [[0, 0], [margin, margin], [margin, margin], [0, 0]]
    x = tf.gather(tf.pad(x, frame), rows, axis=1, batch_dims=1)
    return tf.gather(x, columns, axis=2, batch_dims=1)

  return augment
