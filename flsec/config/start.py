"""What a run starts from: a section of the YAML."""

import dataclasses
from typing import ClassVar


@dataclasses.dataclass(frozen=True)
class StartConfig:
  """The weights that a run starts from, instead of the model's own.

  In YAML also the path alone, `start_from: runs/NAME/CELL`. Rounds are counted
  from 1 again.

  Attributes:
    path: the folder of a finished run of the same model, whose last weights are
      taken (and what its phases have removed); or a Keras model: a `.keras` or
      `.h5` file, or the folder of a SavedModel, with the same layers (those of
      a Sequential model may have other names).
    client_state: take the clients' momenta and optimiser slots too, of a run
      with as many clients.
  """

  SHORT: ClassVar[str] = 'path'

  path: str
  client_state: bool = False
