"""What a table's numbers are, and where a run has them.

accuracy: {of: [final, test/accuracy], times: 100}
error: {of: [final, test/accuracy], one_minus: true, times: 100}
volume: {of: [critical_volume_mib]}
share: {share_of: volume, against: {rule: fltrust}, times: 100}
"""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from flsec.catalogue.catalogue_yaml import check_keys, mapping
from flsec.config.errors import ConfigError, join

# Keys of a measure, the required ones first.
_OF_A_RUN = (('of',), ('times', 'one_minus'))
_SHARE = (('share_of', 'against'), ('times',))


@dataclasses.dataclass(frozen=True)
class Measure:
  """Where a printed number is found in what runs leave.

  Attributes:
    of: the path in `summary.json`, where `{key}` stands for a key of the
      printed value; or `accuracy_loss`, which takes the clean run besides.
      Empty for a share.
    times: the factor to the printed unit.
    one_minus: whether one minus what is found there is printed.
    share_of: the measure that is divided by another cell's; empty for what one
      run has.
    against: key -> choice, in which the other cell differs.
  """

  of: tuple[str, ...]
  times: float = 1.0
  one_minus: bool = False
  share_of: str = ''
  against: Mapping[str, str] = dataclasses.field(default_factory=dict)

  @property
  def placeholders(self) -> list[str]:
    """The words of the path that stand for a key."""
    return [word for word in self.of if is_axis(word)]

  @property
  def keys(self) -> list[str]:
    """The keys that the path speaks of."""
    return [word[1:-1] for word in self.placeholders]


def is_axis(word: str) -> bool:
  """Tells whether a word stands for a cell's choice, as `{rule}` does."""
  return word.startswith('{')


def read(
  raw: Mapping[str, Any], path: str, file: pathlib.Path
) -> dict[str, Measure]:
  """Returns the measures of a table by name.

  Args:
    raw: as the catalogue has them.
    path: their place in it.
    file: the catalogue.

  Raises:
    ConfigError: a key is unknown or missing, or a share is of no measure.
  """
  found = {}
  for name, given in raw.items():
    place = join(path, name)
    one = mapping(given, place, file)
    required, others = _SHARE if 'share_of' in one else _OF_A_RUN
    check_keys(one, required + others, place, str(file), required)
    against = mapping(one.get('against', {}), join(place, 'against'), file)
    if one.get('share_of', name) not in raw:
      raise ConfigError(
        join(place, 'share_of'),
        f'there is no measure {one["share_of"]!r} to take a share of.',
        str(file),
      )
    found[name] = Measure(
      tuple(one.get('of', ())),
      float(one.get('times', 1)),
      bool(one.get('one_minus')),
      one.get('share_of', ''),
      {key: str(choice) for key, choice in against.items()},
    )
  return found
