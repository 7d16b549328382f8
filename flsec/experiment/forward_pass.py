"""Logits of many examples: whole passes, and passes that know a layer's place.

A search that changes one layer alone needs what lies below it only once.
"""

import abc
import functools
from collections.abc import Sequence
from concurrent import futures
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from flsec.defenses import channels
from flsec.federated import tracing
from flsec.models import batch_statistics, channel_cut, channel_product
from flsec.models.flat import FlatModel

# Features that are kept, of all examples together.
_MOST_KEPT_BYTES = 2**30


class Pass(abc.ABC):
  """Runs a model over arrays of examples, in batches, on several threads."""

  def __init__(
    self,
    model: FlatModel,
    *,
    batch_size: int,
    num_threads: int,
    reads_batch: bool = False,
  ) -> None:
    """Prepares.

    Args:
      model: the flat model.
      batch_size: examples in one call.
      num_threads: calls at once.
      reads_batch: whether batch normalisation takes each batch's own
        statistics.
    """
    self.model, self.reads_batch = model, reads_batch
    self._batch_size, self._num_threads = batch_size, num_threads
    self._traced: dict[Any, Callable[..., Any]] = {}

  @abc.abstractmethod
  def logits(
    self, weights: np.ndarray, x: np.ndarray, *, is_stored: bool = True
  ) -> np.ndarray:
    """Returns float32 [s, num_classes].

    Args:
      weights: float32 [d].
      x: [s, ...]; the same array object, unchanged, in later calls.
      is_stored: whether they are examples as stored, or model inputs.
    """

  def _batches(self, x: np.ndarray) -> list[slice]:
    size = self._batch_size
    return [slice(start, start + size) for start in range(0, len(x), size)]

  def _map(
    self, function: Callable[[Any], Any], items: Sequence[Any]
  ) -> list[Any]:
    with futures.ThreadPoolExecutor(self._num_threads) as pool:
      return list(pool.map(function, items))

  def _joined(self, parts: Sequence[np.ndarray]) -> np.ndarray:
    nothing = np.zeros((0, self.model.num_classes), np.float32)
    return np.concatenate([nothing, *parts])

  def _function(
    self, name: str, x: np.ndarray, is_stored: bool, body: Callable[..., Any]
  ) -> Callable[..., Any]:
    """Traces `(weights, model inputs) -> ...` for examples of a kind, once."""
    key = (name, x.dtype, is_stored)
    if key not in self._traced:
      prepare = self.model.inputs if is_stored else tf.identity
      self._traced[key] = tracing.trace(
        lambda weights, x: body(weights, prepare(x)),
        tf.TensorSpec([self.model.num_weights], tf.float32),
        tf.TensorSpec([None, *x.shape[1:]], x.dtype),
      )
    return self._traced[key]


class WholePass(Pass):
  """The whole model, every time."""

  def logits(
    self, weights: np.ndarray, x: np.ndarray, *, is_stored: bool = True
  ) -> np.ndarray:
    body = self.model.logits
    if self.reads_batch:
      body = functools.partial(batch_statistics.logits, self.model)
    run = self._function('logits', x, is_stored, body)
    weights = tf.convert_to_tensor(weights)
    return self._joined(
      self._map(
        lambda rows: run(weights, tf.constant(x[rows])).numpy(),
        self._batches(x),
      )
    )


class CutPass(WholePass):
  """What differs from given weights in one layer alone.

  Weights that lack whole channels of the layer are run from behind it, where
  channels stay apart; others from below it. The logits are those of a whole
  pass, bit for bit, up to the kernels that batches of a size get; but where a
  dense layer alone reads the channels, its product is made of those that are
  left, or of all less those that are gone, whichever are fewer, and rounds
  otherwise.
  """

  def __init__(
    self,
    whole: WholePass,
    layer: str,
    weights: np.ndarray,
    *,
    most_kept_bytes: int = _MOST_KEPT_BYTES,
  ) -> None:
    """Takes the weights that a search begins with.

    Args:
      whole: of the same model; its batches and threads.
      layer: the only layer that changes.
      weights: float32 [d].
      most_kept_bytes: features that are kept at most; examples whose features
        are more take whole passes.
    """
    super().__init__(
      whole.model,
      batch_size=whole._batch_size,
      num_threads=whole._num_threads,
    )
    model = self.model
    self._start = np.asarray(weights)
    self._own = np.stack(channels.entries(model.layout, model.layout[layer]))
    self._is_own = np.zeros(len(self._start), bool)
    self._is_own[self._own] = True
    self._cuts = {False: channel_cut.ChannelCut(model, layer)}
    self._silent = self._product = None
    if channel_cut.keeps_apart(model, layer):
      self._cuts[True] = channel_cut.ChannelCut(model, layer, is_behind=True)
      self._silent = self._without_channels()
      if not self._silent.any():
        self._product = channel_product.behind(model, self._cuts[True])
    self._left_bytes = most_kept_bytes
    # Examples are kept too, so that an id stays theirs.
    self._kept: dict[tuple[int, bool], tuple[np.ndarray, Any]] = {}

  def logits(
    self, weights: np.ndarray, x: np.ndarray, *, is_stored: bool = True
  ) -> np.ndarray:
    weights = np.asarray(weights)
    differs = weights != self._start
    is_same = not (differs & ~self._is_own).any()
    gone = self._gone(weights, differs)
    # TensorFlow aborts where a product with a bias has nothing to add up.
    is_behind = gone is not None and not gone.all() and True in self._cuts
    features = self._features(x, is_stored, is_behind) if is_same else None
    if features is None:
      return super().logits(weights, x, is_stored=is_stored)
    if not features:
      return self._joined([])
    if gone is None:
      gone = np.zeros(len(self._own), bool)
    run, which = self._above(is_behind, gone, features[0])
    weights = tf.convert_to_tensor(weights)
    return self._joined(
      self._map(lambda batch: run(weights, which, *batch).numpy(), features)
    )

  def _gone(self, weights: np.ndarray, differs: np.ndarray) -> Any:
    """Tells which channels are gone; None where others have changed, too."""
    gone = ~weights[self._own].any(axis=1)
    has_changed = differs[self._own].any(axis=1)
    return gone if (gone | ~has_changed).all() else None

  def _features(self, x: np.ndarray, is_stored: bool, is_behind: bool) -> Any:
    """Returns the tensors at the cut, by batch; None: they are too many."""
    key = id(x), is_behind
    if key in self._kept:
      return self._kept[key][1]
    cut = self._cuts[is_behind]
    if is_behind and self._product is not None:
      cut = self._product
    run = self._function(f'below {is_behind}', x, is_stored, cut.below)
    weights = tf.convert_to_tensor(self._start)
    shapes = [leaf.shape for leaf in run.structured_outputs]
    needed = 4 * len(x) * sum(int(np.prod(shape[1:])) for shape in shapes)
    features = None
    if needed <= self._left_bytes:
      self._left_bytes -= needed
      features = self._map(
        lambda rows: run(weights, tf.constant(x[rows])), self._batches(x)
      )
    self._kept[key] = (x, features)
    return features

  def _above(
    self, is_behind: bool, gone: np.ndarray, tensors: Sequence[tf.Tensor]
  ) -> tuple[Callable[..., tf.Tensor], tf.Tensor]:
    """Returns `(weights, which, tensors at the cut) -> logits`, and `which`.

    Of a product these are channels, int32 [k]; else it is `gone`, bool [C].
    """
    if not (is_behind and self._product is not None):
      above = functools.partial(self._masked, is_behind)
      return self._traced_above(is_behind, above, gone, tensors)
    are_gone = 0 < gone.sum() <= (~gone).sum()
    some = np.flatnonzero(gone if are_gone else ~gone).astype(np.int32)
    above = lambda weights, some, *at_cut: self._product.above(
      weights, at_cut, some, are_gone=are_gone
    )
    return self._traced_above(('product', are_gone), above, some, tensors)

  def _traced_above(
    self,
    key: Any,
    above: Callable[..., tf.Tensor],
    which: np.ndarray,
    tensors: Sequence[tf.Tensor],
  ) -> tuple[Callable[..., tf.Tensor], tf.Tensor]:
    """Traces a function once for its key."""
    which = tf.constant(which)
    if ('above', key) not in self._traced:
      self._traced['above', key] = tracing.trace(
        above,
        tf.TensorSpec([self.model.num_weights], tf.float32),
        tf.TensorSpec([None], which.dtype),
        *(tf.TensorSpec([None, *t.shape[1:]], t.dtype) for t in tensors),
      )
    return self._traced['above', key], which

  def _masked(
    self,
    is_behind: bool,
    weights: tf.Tensor,
    gone: tf.Tensor,
    *at_cut: tf.Tensor,
  ) -> tf.Tensor:
    """Runs what lies above a cut; behind the layer, without what is gone."""
    cut, at_cut = self._cuts[is_behind], list(at_cut)
    if is_behind:
      at_cut[cut.place] = tf.where(gone, self._silent, at_cut[cut.place])
    return cut.above(weights, at_cut)

  def _without_channels(self) -> np.ndarray:
    """Returns what stands behind the layer where it has no channel left."""
    cut = self._cuts[True]
    without = np.where(self._is_own, np.float32(0), self._start)
    x = tf.zeros([1, *self.model.input_shape])
    return cut.below(tf.constant(without), x)[cut.place].numpy()
