"""Small layouts for the tests of masks."""

from flsec.models.layout import Layer, Layout, Span


def layout_of(*tensors, output='out'):
  """Builds a layout from (layer, kind, {weight: shape}) in vector order."""
  layers, start = [], 0
  for name, kind, shapes in tensors:
    spans = {}
    for weight, shape in shapes.items():
      spans[weight] = Span(start, shape)
      start = spans[weight].stop
    layers.append(
      Layer(name, kind, spans, units=next(iter(shapes.values()))[-1])
    )
  return Layout(tuple(layers), start, output)


# conv 0:36, bias 36:40, norm 40:56 (moving 48:56), hidden 56:856, bias
# 856:876, out 876:976, bias 976:981.
MIXED = layout_of(
  ('conv', 'conv', {'kernel': (3, 3, 1, 4), 'bias': (4,)}),
  (
    'norm',
    'norm',
    {
      'gamma': (4,),
      'beta': (4,),
      'moving_mean': (4,),
      'moving_variance': (4,),
    },
  ),
  ('hidden', 'dense', {'kernel': (40, 20), 'bias': (20,)}),
  ('out', 'dense', {'kernel': (20, 5), 'bias': (5,)}),
)
KERNELS = [(0, 36), (56, 856), (876, 976)]
CRITICAL = [(36, 40), (40, 44), (44, 48), (856, 876), (976, 981)]
TRACKED = (48, 56)
