"""Which slice of the weight vector is which Keras layer."""

import dataclasses
from typing import Optional

import numpy as np

# Weights of batch normalisation that follow the batches.
STATISTICS = ('moving_mean', 'moving_variance')


@dataclasses.dataclass(frozen=True)
class Span:
  """A tensor inside the weight vector: entries [start, start + size)."""

  start: int
  shape: tuple[int, ...]

  @property
  def size(self) -> int:
    """How many entries it has."""
    return int(np.prod(self.shape, dtype=np.int64))

  @property
  def stop(self) -> int:
    """The first entry behind it."""
    return self.start + self.size


@dataclasses.dataclass(frozen=True)
class Layer:
  """A Keras layer with weights that are trained.

  Attributes:
    name: the Keras layer's name.
    kind: 'dense', 'conv' or 'norm'.
    spans: every weight by its Keras name ('kernel', 'bias', 'gamma', ...).
    units: output units (dense), filters (conv) or channels (norm).
    activation: what the units pass through before the next weighted layer,
      'linear', 'relu', 'sigmoid', 'tanh', 'softmax', ... whether it is the
      layer's own argument or an Activation layer behind it.
    consumers: names of the dense and conv layers that read this layer's
      output; Activation, Dropout, pooling, Flatten, normalisation and Add may
      stand between. Empty for the output layer.
    norms: names of the normalisation layers between it and its consumers that
      scale its units one by one.
    positions: spatial positions that a Flatten between it and its (dense)
      consumer lays out: row `p * units + u` of the consumer's kernel reads unit
      u at position p. 1 where no Flatten stands between.
    tied: names of the layers whose units an addition ties to this one's, unit
      by unit, itself among them; empty where no addition reads it.
  """

  name: str
  kind: str
  spans: dict[str, Span]
  units: int
  activation: str = 'linear'
  consumers: tuple[str, ...] = ()
  norms: tuple[str, ...] = ()
  positions: int = 1
  tied: tuple[str, ...] = ()

  @property
  def kernel(self) -> Span:
    """Where its kernel lies."""
    return self.spans['kernel']

  @property
  def bias(self) -> Optional[Span]:
    """Where its bias lies; None: it has none."""
    return self.spans.get('bias')


@dataclasses.dataclass(frozen=True)
class Layout:
  """The layers of a model whose weights are trained, in Keras order.

  Attributes:
    layers: in the order of the weight vector.
    size: d, the length of the weight vector.
    output: name of the output layer.
    frozen: names of the layers with weights that nothing moves
      (`trainable=False`); no entry of the vector is theirs.
    preprocessing: names of the layers without weights that change the numbers
      of the model's inputs before the first weight (Rescaling, Lambda, ...).
  """

  layers: tuple[Layer, ...]
  size: int
  output: str
  frozen: tuple[str, ...] = ()
  preprocessing: tuple[str, ...] = ()

  def __getitem__(self, name: str) -> Layer:
    for layer in self.layers:
      if layer.name == name:
        return layer
    if name in self.frozen:
      raise ValueError(
        f'Layer {name!r} is frozen (trainable=False), so that it is no part of '
        'what clients train, send and the server changes. Choose one of '
        f'{[layer.name for layer in self.layers]}, or set trainable=True.'
      )
    raise KeyError(f'{name!r}; layers: {[layer.name for layer in self.layers]}')

  def check_followed(self, user: str) -> None:
    """Refuses a model in which units cannot be followed from end to end.

    Args:
      user: who needs to, for the message.

    Raises:
      ValueError: naming the layers in the way.
    """
    if self.frozen:
      raise ValueError(
        f'{user} follows units through every layer, but of this model '
        f'{", ".join(map(repr, self.frozen))} are frozen (trainable=False). '
        'Set trainable=True, or leave pruning out.'
      )

  def of_kind(self, *kinds: str) -> tuple[Layer, ...]:
    """Returns the layers of the given kinds, in Keras order."""
    return tuple(layer for layer in self.layers if layer.kind in kinds)

  @property
  def statistics(self) -> tuple[Span, ...]:
    """The moving statistics of batch normalisation, in vector order.

    They are tracked, not trained: their gradient is 0.
    """
    return tuple(
      span
      for layer in self.layers
      for attribute, span in layer.spans.items()
      if attribute in STATISTICS
    )
