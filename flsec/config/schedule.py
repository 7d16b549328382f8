"""How the server's learning rate falls: a section of the YAML."""

# `_field` is `dataclasses.field` with the metadata spelt out.

import dataclasses
from typing import Literal

from flsec.config.fields import field as _field


@dataclasses.dataclass(frozen=True)
class ScheduleConfig:
  """How the server's learning rate falls from round to round.

  What clients send, and with it radii and scales that are in its unit, stays as
  it is; a rate that falls on the clients' side shrinks it.

  Attributes:
    name: `constant`; `steps`, a factor at some rounds; `cosine`, half a cosine
      from the whole rate to zero; `exponential`, the same factor every so many
      rounds, evenly.
    rounds: of `steps`, those at whose start the rate is multiplied by `factor`;
      of the others one number, T: `cosine` is zero after T rounds,
      `exponential` has been multiplied by `factor` once.
    factor: see `rounds`; `cosine` has none.
  """

  name: Literal['constant', 'steps', 'cosine', 'exponential'] = 'constant'
  rounds: tuple[int, ...] = _field((), minimum=1)
  factor: float = _field(0.1, above=0)
