"""Keras architectures and a model seen as one weight vector."""

from typing import Any

from flsec import registry


def build(name: str, **options: Any) -> Any:
  """Builds a registered Keras model, e.g. `build('lenet5', input_shape=...)`.

  Raises:
    ValueError: unknown name or option, or a value out of its range.
  """
  return registry.build('model', name, **options)
