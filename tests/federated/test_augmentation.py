"""Crops and mirror images, drawn from seeds alone."""

import collections

import conv_federation as conv
import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny
import xla_programs

from flsec.attacks.attack import AttackContext
from flsec.config import schema
from flsec.config.clients import AugmentationConfig
from flsec.federated import (
  augmentation,
  client_work,
  local_training,
  state,
  vectorized,
)
from flsec.federated.batches import Shard
from flsec.federated.local_training import Hooks

_SHAPE = (4, 5, 2)
_SEED = tf.constant([3, 8])


def _images(count, dtype=np.uint8):
  """Images without two entries alike, but for the frame."""
  size = count * int(np.prod(_SHAPE))
  return np.arange(1, size + 1).astype(dtype).reshape(count, *_SHAPE)


def _built(padding=2, flip=True):
  return augmentation.build_augmentation(
    AugmentationConfig(crop_padding=padding, flip=flip), _SHAPE
  )


def _windows(image, padding):
  """Every window of a framed image: (down, across, is mirrored) -> window."""
  framed = np.pad(image, [(padding, padding), (padding, padding), (0, 0)])
  height, width, _ = image.shape
  return {
    (down, across, mirrored): window[:, ::-1] if mirrored else window
    for down in range(2 * padding + 1)
    for across in range(2 * padding + 1)
    for window in [framed[down : down + height, across : across + width]]
    for mirrored in (False, True)
  }


def _draws(found, images, padding):
  """Says of each image which window was taken, found by looking at all."""
  draws = []
  for window, image in zip(found, images):
    same = [
      key
      for key, value in _windows(image, padding).items()
      if np.array_equal(window, value)
    ]
    assert len(same) == 1
    draws += same
  return draws


@pytest.mark.parametrize('dtype', [np.uint8, np.float32, np.int32])
def test_every_image_is_a_window_of_its_frame(dtype):
  images = _images(6, dtype)
  found = _built()(tf.constant(images), _SEED)
  assert found.dtype == dtype and found.shape == images.shape
  assert len(set(_draws(found.numpy(), images, 2))) > 1


def test_every_window_is_as_likely_as_another():
  # 3 x 3 places, mirrored or not: 200 of 3,600 images each. The deviation of
  # such a count is 13.7; 5 of these are passed by none of 18 in a million.
  images = np.repeat(_images(1), 3600, axis=0)
  found = _built(padding=1)(tf.constant(images), _SEED).numpy()
  windows = {
    window.tobytes(): key for key, window in _windows(images[0], 1).items()
  }
  counts = collections.Counter(windows[window.tobytes()] for window in found)
  assert len(counts) == 18
  assert max(abs(count - 200) for count in counts.values()) < 5 * 13.7


def test_what_is_left_out_does_not_happen():
  images = _images(40)
  found = _built(flip=False)(tf.constant(images), _SEED).numpy()
  assert not any(flip for *_, flip in _draws(found, images, 2))
  found = _built(padding=0)(tf.constant(images), _SEED).numpy()
  flips = [flip for *_, flip in _draws(found, images, 0)]
  assert 0 < sum(flips) < 40
  assert augmentation.build_augmentation(None, (3,)) is None


def test_a_draw_depends_on_the_seed_and_the_place_alone():
  augment, images = _built(), _images(6)
  found = augment(tf.constant(images), _SEED).numpy()
  few = augment(tf.constant(images[:4]), _SEED).numpy()
  np.testing.assert_array_equal(few, found[:4])
  other = augment(tf.constant(images), _SEED + 1).numpy()
  assert not np.array_equal(other, found)
  # A client's seeds are int64: graphs, and clients side by side, draw alike.
  seeds = tf.constant([[5, 6], [5, 7]], tf.int64)
  batches = tf.constant(np.stack([images, images]))
  alone = [augment(x, seed).numpy() for x, seed in zip(batches, seeds)]
  graph = tf.function(
    lambda: vectorized.vectorized(
      lambda given: augment(*given), (batches, seeds)
    ),
    autograph=False,
  )
  np.testing.assert_array_equal(graph(), alone)
  compiled = tf.function(augment, jit_compile=True, autograph=False)
  np.testing.assert_array_equal(compiled(batches[0], seeds[0]), alone[0])


def test_examples_that_are_no_images_are_refused():
  with pytest.raises(ValueError, match=r'the examples have shape \(446,\)'):
    augmentation.build_augmentation(AugmentationConfig(), (446,))


@pytest.mark.parametrize('steps', [None, 3])
def test_clients_train_on_other_windows_each_time(steps):
  model = conv.model(None, 'relu')
  held = conv.federation([6], seed=5)
  seen = {}

  def run(padded, round_number):
    batches = seen.setdefault((padded, round_number), [])

    def record(x, y, context):
      real = len(y) if context.num_examples is None else context.num_examples
      batches.append(x.numpy()[:real])
      return x, y

    clients = schema.ClientsConfig(
      num_clients=1,
      optimizer=schema.OptimizerConfig(learning_rate=0.1),
      epochs=2,
      steps=steps,
      batch_size=4,
      augmentation=AugmentationConfig(crop_padding=1),
    )
    train = local_training.build_local_training(model, clients, padded=padded)
    more = [[0, 2 if padded else 0]]
    x = tf.pad(held.x, more + [[0, 0]] * 3)
    weights = tf.zeros([model.num_weights])
    train(
      weights,
      Shard(x, tf.pad(held.y, more), tf.constant(6)),
      tf.constant([1, 2], tf.int64),
      tf.constant(round_number),
      tf.zeros([0, model.num_weights]),
      tf.constant(0),
      Hooks(poison=record),
      AttackContext(weights=weights),
    )

  for padded, round_number in ((False, 1), (True, 1), (False, 2)):
    run(padded, round_number)
  assert len(seen[False, 1]) == (3 if steps else 4)
  originals = model.inputs(held.x).numpy()
  for plain, padded in zip(seen[False, 1], seen[True, 1]):
    np.testing.assert_array_equal(plain, padded)
    for window in plain:
      assert any(
        np.array_equal(window, other)
        for image in originals
        for other in _windows(image, 1).values()
      )
  for first, second in zip(seen[False, 1], seen[False, 2]):
    assert not np.array_equal(first, second)


def test_one_program_draws_in_every_round():
  plan = tiny.plan(
    2,
    model=conv.model(None, 'relu'),
    clients=tiny.clients_config(
      2, augmentation=AugmentationConfig(crop_padding=1)
    ),
    padded=True,
  )
  work = client_work.build_client_work(plan)
  client = conv.structs(conv.federation([6, 4]), batch_size=4)[0]
  given = [state.broadcast_of(plan, state.initial_state(plan)), client]

  def trained(*leaves):
    return work(*tf.nest.pack_sequence_as(given, leaves))

  assert xla_programs.is_compiled_once(trained, *tf.nest.flatten(given))
