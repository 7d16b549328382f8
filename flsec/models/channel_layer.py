"""The layer whose channels a defence, or an attack on it, is about."""

from typing import Optional

from flsec.models.layout import Layer, Layout


def channel_layer(user: str, layout: Layout, name: Optional[str]) -> Layer:
  """Returns the conv or dense layer of that name, or the last conv layer.

  Args:
    user: what asks, for the message.
    layout: of the model.
    name: a layer's name; None: the last conv layer.

  Raises:
    ValueError: if the model has no such layer.
  """
  candidates = layout.of_kind('conv', 'dense')
  if name is None:
    candidates = layout.of_kind('conv')
    if candidates:
      return candidates[-1]
    raise ValueError(
      f'{user} changes the last conv layer, but the model has none. Give '
      f'`layer`, one of: {", ".join(layer.name for layer in layout.layers)}.'
    )
  for candidate in candidates:
    if candidate.name == name:
      return candidate
  raise ValueError(
    f'{user}: the model has no conv or dense layer {name!r}. There are: '
    f'{", ".join(layer.name for layer in candidates)}.'
  )
