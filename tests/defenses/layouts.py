"""Small layouts for the tests of phases."""

import numpy as np

from flsec.models.layout import Layer, Layout, Span


def conv_net(channels=4, *, normalization=False):
  """A conv layer of 1x1x2 kernels, maybe a norm, and a dense output of 2.

  Without norm the vector holds kernel [1, 1, 2, C], bias [C], output [C, 2].
  """
  spans, end = {}, 0
  for name, shape in (('kernel', (1, 1, 2, channels)), ('bias', (channels,))):
    spans[name] = Span(end, shape)
    end = spans[name].stop
  norms, layers = (), []
  if normalization:
    held = {}
    for name in ('gamma', 'beta', 'moving_mean', 'moving_variance'):
      held[name] = Span(end, (channels,))
      end = held[name].stop
    layers = [Layer('norm', 'norm', held, channels)]
    norms = ('norm',)
  output = Layer('output', 'dense', {'kernel': Span(end, (channels, 2))}, 2)
  conv = Layer(
    'conv', 'conv', spans, channels, 'relu', consumers=('output',), norms=norms
  )
  return Layout((conv, *layers, output), output.kernel.stop, output='output')


def dense_net():
  """No conv layer: a hidden dense layer of 3 units and an output of 2."""
  hidden = Layer(
    'hidden', 'dense', {'kernel': Span(0, (2, 3))}, 3, consumers=('output',)
  )
  output = Layer('output', 'dense', {'kernel': Span(6, (3, 2))}, 2)
  return Layout((hidden, output), 12, output='output')


def ones(layout):
  """Weights that are all 1, and a mask of nothing."""
  return np.ones(layout.size, np.float32), np.zeros(layout.size, bool)
