"""Which layers a pruner may touch, and how many of their units."""

import fractions
import math

from flsec.models.layout import Layer, Layout

RESIDUALS = ('inner', 'tied', 'skip')


def unit_count(fraction: float, units: int) -> int:
  """Returns `max(1, ceil(fraction * units))`.

  The product is taken on the decimal that the user wrote: in binary 0.01 * 700
  is a little above 7, and its ceiling would be 8.
  """
  return max(1, math.ceil(fractions.Fraction(str(fraction)) * units))


def filter_groups(layout: Layout, residual: str) -> list[tuple[Layer, ...]]:
  """Returns the conv layers to prune, those that go together in one group.

  Args:
    layout: of the model.
    residual: what to do where an addition ties the filters of several layers.
      'inner' prunes every conv that no addition reads, and leaves the others;
      'tied' also prunes the tied ones, filter u of the whole group at once;
      'skip' prunes no conv of a model that has additions.

  Returns:
    Groups of layers, in Keras order; the output layer is in none of them.
  """
  convs = [layer for layer in layout.of_kind('conv') if layer.consumers]
  if residual == 'skip' and any(layer.tied for layer in layout.layers):
    return []
  groups: list[tuple[Layer, ...]] = []
  for layer in convs:
    members = tuple(layout[name] for name in layer.tied) or (layer,)
    if layer.tied and residual != 'tied':
      continue
    if members not in groups and all(m.kind == 'conv' for m in members):
      groups.append(members)
  return groups


def paired_layers(layout: Layout) -> list[Layer]:
  """Returns the hidden dense layers whose units can take over from each other.

  That is: one consumer, and a dense one, which reads each unit once; no
  addition between; at least two units. The output layer is never among them.
  """
  return [
    layer
    for layer in layout.of_kind('dense')
    if layer.name != layout.output
    and len(layer.consumers) == 1
    and layout[layer.consumers[0]].kind == 'dense'
    and layer.positions == 1
    and not layer.tied
    and layer.units > 1
  ]


def downstream(layout: Layout, layer: Layer) -> list[Layer]:
  """Returns the dense layers from a layer's consumer to the output layer.

  Raises:
    ValueError: if the way to the output branches or leaves dense layers.
  """
  chain = []
  while layer.name != layout.output:
    if len(layer.consumers) != 1 or (chain and layer.positions != 1):
      raise ValueError(
        f'The impact of {layer.name!r} is propagated along a chain of dense '
        f'layers; its output goes to {list(layer.consumers)} at '
        f"{layer.positions} positions. Set criterion: 'saliency'."
      )
    layer = layout[layer.consumers[0]]
    if layer.kind != 'dense':
      raise ValueError(
        f'The impact is propagated through dense layers only; {layer.name!r} '
        f"is of kind {layer.kind!r}. Set criterion: 'saliency'."
      )
    chain.append(layer)
  return chain
