"""Every phase of a run, one file each; `flsec list phases` names them.

Phases are pure: they say what clients are asked and what is decided. The loop
of `flsec.experiment` runs them.
"""

from typing import Any

from flsec import registry
from flsec.defenses.phase import Phase


def build(name: str, **options: Any) -> Phase:
  """Builds a registered phase, e.g. `build('prune', vote='majority')`.

  Raises:
    ValueError: unknown name or option, or a value out of its range.
  """
  return registry.build('phase', name, **options)
