"""FLAP's options, checked."""

import dataclasses
import math
from collections.abc import Sequence

from flsec import registry
from flsec.pruning import targets
from flsec.pruning.criteria import CRITERIA, Criterion
from flsec.pruning.merge import MERGES

LAYER_KINDS = ('conv', 'dense')
REPLICATIONS = ('none', 'flap_code')


@dataclasses.dataclass(frozen=True)
class Options:
  """What `flsec.pruning.flap.flap` documents.

  Raises:
    ValueError: an option out of its range.
  """

  fraction: float
  criterion: Criterion
  merge: str
  layers: tuple[str, ...]
  skip_zero: bool
  residual: str
  replication: str

  def __post_init__(self) -> None:
    check_range('fraction', self.fraction, 0.0 < self.fraction <= 1.0, '(0, 1]')
    _check_name('criterion', self.criterion.name, CRITERIA)
    _check_name('merge', self.merge, MERGES)
    _check_name('residual', self.residual, targets.RESIDUALS)
    _check_name('replication', self.replication, REPLICATIONS)
    for kind in self.layers:
      _check_name('layers', kind, LAYER_KINDS)
    found = self.criterion.name, self.merge
    if self.is_replica and self.skip_zero:
      raise ValueError(
        "pruning.replication 'flap_code' chooses zero units again; got "
        'skip_zero=True. Leave one of the two out.'
      )
    if self.is_replica and found != ('saliency', 'sum'):
      raise ValueError(
        "pruning.replication 'flap_code' is defined for criterion 'saliency' "
        f"and merge 'sum'; got {found[0]!r} and {found[1]!r}. Set them, or "
        'leave out replication.'
      )

  @property
  def is_replica(self) -> bool:
    """Whether the released code's choices are repeated."""
    return self.replication == 'flap_code'

  def count(self, units: int) -> int:
    """How many units of a layer one call prunes, at most."""
    if self.is_replica:
      # The released code takes the ceiling of the binary product.
      return math.ceil(self.fraction * units)
    return targets.unit_count(self.fraction, units)


def layer_kinds(layers: Sequence[str]) -> tuple[str, ...]:
  """Returns the kinds of layers to prune.

  Raises:
    ValueError: if they are no list, or an empty one.
  """
  if isinstance(layers, str) or not layers:
    raise ValueError(
      f'pruning.layers must be a list of {list(LAYER_KINDS)}; got {layers!r}.'
    )
  return tuple(layers)


def check_range(name: str, value: float, is_valid: bool, bound: str) -> None:
  """Raises ValueError unless an option is valid."""
  if not is_valid:
    raise ValueError(f'pruning.{name} must be in {bound}; got {value!r}.')


def _check_name(name: str, value: str, allowed: Sequence[str]) -> None:
  if value not in allowed:
    known = dict.fromkeys(allowed)
    raise ValueError(registry.unknown_name(f'pruning.{name}', value, known))
