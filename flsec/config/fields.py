"""Fields of the schema's sections."""

import dataclasses
from typing import Any

_REQUIRED = dataclasses.MISSING


def field(default: Any = _REQUIRED, **metadata: Any) -> Any:
  """Declares a field and what its checker needs to know.

  `is_later=True` says that runs were recorded before there was the field: where
  it has its default, it counts in no fingerprint, so that they keep theirs.
  """
  if isinstance(default, type):
    return dataclasses.field(default_factory=default, metadata=metadata)
  return dataclasses.field(default=default, metadata=metadata)
