"""The random bits of TensorFlow's stateless draws, for many seeds at once.

`tf.random.stateless_uniform` takes one seed. Of clients that are computed
together each has a seed of its own, and a loop over them would be as many small
kernels one after the other. Philox is a function of integers, so all draws are
one element-wise computation here, and the bits are the same on every device.
"""

import numpy as np
import tensorflow as tf

_ROUNDS = 10
_FACTORS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_STEPS = 0x9E3779B9, 0xBB67AE85
# TensorFlow runs a seed through Philox under this key before it is used.
_SCRAMBLING_KEY = 0x3EC8F720, 0x02461E29
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)

Words = list[tf.Tensor]  # uint64 each, below 2^32.


def key_and_counter(seeds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns what `StatelessRandomGetKeyCounter` makes of each seed.

  Args:
    seeds: int32 or int64 [n, 2].

  Returns:
    Keys uint64 [n, 1] and counters uint64 [n, 2].
  """
  seeds = tf.cast(tf.cast(seeds, tf.int64), tf.uint64)
  counter = [*_halves(seeds[:, 0]), *_halves(seeds[:, 1])]
  key = [tf.fill(tf.shape(counter[0]), np.uint64(w)) for w in _SCRAMBLING_KEY]
  mixed = _mix(counter, key)
  upper = _joined(mixed[2], mixed[3])
  return (
    _joined(mixed[0], mixed[1])[:, None],
    tf.stack([tf.zeros_like(upper), upper], axis=1),
  )


def full_range(
  keys: tf.Tensor, counters: tf.Tensor, count: int, dtype: tf.DType
) -> tf.Tensor:
  """Returns integers from a type's whole range, as TensorFlow draws them.

  Args:
    keys: uint64 [n, 1].
    counters: uint64 [n, 2], the low word first.
    count: numbers by row.
    dtype: tf.int32, tf.uint32, tf.int64 or tf.uint64.

  Returns:
    `dtype` [n, count]: by row what `StatelessRandomUniformFullIntV2` draws.
  """
  words = count * (dtype.size // 4)
  blocks = tf.cast(tf.range(-(-words // 4)), tf.uint64)[None, :]
  low = counters[:, :1] + blocks
  carried = tf.cast(low < blocks, tf.uint64)  # Only a sum that wrapped is less.
  counter = [*_halves(low), *_halves(counters[:, 1:] + carried)]
  key = [tf.broadcast_to(half, tf.shape(low)) for half in _halves(keys)]
  mixed = _mix(counter, key)
  if dtype.size == 8:
    mixed = [_joined(mixed[0], mixed[1]), _joined(mixed[2], mixed[3])]
  else:
    mixed = [tf.cast(word, tf.uint32) for word in mixed]
  drawn = tf.reshape(tf.stack(mixed, axis=-1), [tf.shape(low)[0], -1])
  return tf.bitcast(drawn[:, :count], dtype)


def _mix(counter: Words, key: Words) -> Words:
  """Runs the ten rounds of Philox 4x32 on words of equal shape.

  References:
    Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
    section 3.3.
  """
  for _ in range(_ROUNDS):
    first, second = counter[0] * _FACTORS[0], counter[2] * _FACTORS[1]
    counter = [
      _high(second) ^ counter[1] ^ key[0],
      second & _LOW,
      _high(first) ^ counter[3] ^ key[1],
      first & _LOW,
    ]
    key = [(word + np.uint64(step)) & _LOW for word, step in zip(key, _STEPS)]
  return counter


def _halves(values: tf.Tensor) -> Words:
  return [values & _LOW, _high(values)]


def _high(values: tf.Tensor) -> tf.Tensor:
  return tf.bitwise.right_shift(values, tf.fill(tf.shape(values), _HALF))


def _joined(low: tf.Tensor, high: tf.Tensor) -> tf.Tensor:
  return low | tf.bitwise.left_shift(high, tf.fill(tf.shape(high), _HALF))
