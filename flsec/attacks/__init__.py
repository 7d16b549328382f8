"""Every attack, one file each; `flsec list` names them."""

from typing import Any

from flsec import registry


def build(name: str, **options: Any) -> Any:
  """Builds a registered attack, e.g. `build('name', option=value)`.

  Raises:
    ValueError: unknown name or option, or a value out of its range.
  """
  return registry.build('attack', name, **options)
