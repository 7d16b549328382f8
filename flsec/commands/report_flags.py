"""The flags that say how runs are reported."""

import dataclasses
import re
from typing import Optional

from flsec.commands import flags
from flsec.commands.command import UsageError

_PICTURES = ('pdf', 'svg', 'png')
_TABLES = ('csv', 'json', 'md', 'tex')
_FORMATS = (*_PICTURES, *_TABLES)
# As in `flsec.reporting`, which takes a second to import.
_SEEDS = ('median', 'mean')
_SCALES = ('full', 'close')
_INCHES = {'in': 1.0, 'cm': 1 / 2.54, 'mm': 1 / 25.4, 'pt': 1 / 72.27}
_LENGTH = re.compile(r'(\d+(?:\.\d+)?)(in|cm|mm|pt)')
_WIDTHS = (1.0, 30.0)  # Inches.


@dataclasses.dataclass(frozen=True)
class ReportFlags:
  """How runs are reported.

  Attributes:
    picture_formats: files to write of each picture.
    table_formats: files to write of each table.
    table: how tables are printed.
    width: of a picture's file, in inches; None as on the screen.
    font: size of its letters, in points; None as on the screen.
    seeds: how they are put together.
    baseline: the defence that others are compared with.
    scale: of shares in pictures.
  """

  picture_formats: tuple[str, ...]
  table_formats: tuple[str, ...]
  table: str
  width: Optional[float]
  font: Optional[float]
  seeds: str
  baseline: Optional[str]
  scale: Optional[str]


def define(flag_values: flags.FlagValues) -> None:
  """Declares the flags."""
  flags.DEFINE_list(
    'format',
    [],
    f'Write each picture ({", ".join(_PICTURES)}) and each table '
    f'({", ".join(_TABLES)}) into a file, as in --format=pdf,tex.',
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'width',
    None,
    "Width of the pictures' files, a column of your paper: 3.3in, 84mm, 240pt.",
    flag_values=flag_values,
  )
  flags.DEFINE_float(
    'font',
    None,
    'Size of their letters in points.',
    lower_bound=4,
    upper_bound=30,
    flag_values=flag_values,
  )
  flags.DEFINE_enum(
    'table',
    'text',
    ['text', *_TABLES],
    'How tables are printed.',
    flag_values=flag_values,
  )
  flags.DEFINE_enum(
    'seeds',
    'median',
    list(_SEEDS),
    'Seeds are shown as median with least and greatest value, or as mean with '
    'standard deviation.',
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'baseline',
    None,
    'A defence, as the tables call it; print what the others gain over it, '
    'paired by seed.',
    flag_values=flag_values,
  )
  flags.DEFINE_enum(
    'scale',
    None,
    list(_SCALES),
    'Shares in pictures from 0 to 100 %, or close around the values (default: '
    'close where half of the picture would be empty).',
    flag_values=flag_values,
  )


def read(flag_values: flags.FlagValues) -> ReportFlags:
  """Returns what the flags say.

  Raises:
    UsageError: an unknown format or length.
  """
  formats = tuple(dict.fromkeys(flag_values.format))
  for name in formats:
    if name not in _FORMATS:
      raise UsageError(
        f'--format takes {", ".join(_FORMATS)}, separated by commas; got '
        f'{name!r}.'
      )
  return ReportFlags(
    picture_formats=tuple(name for name in formats if name in _PICTURES),
    table_formats=tuple(name for name in formats if name in _TABLES),
    table=flag_values.table,
    width=None if flag_values.width is None else inches(flag_values.width),
    font=flag_values.font,
    seeds=flag_values.seeds,
    baseline=flag_values.baseline,
    scale=flag_values.scale,
  )


def inches(text: str) -> float:
  """Returns a length such as `3.3in`, `84mm`, `8.4cm` or `240pt` in inches.

  Raises:
    UsageError: it is no length, or no width of a picture.
  """
  found = _LENGTH.fullmatch(text.replace(' ', ''))
  if not found:
    raise UsageError(
      f'--width takes a length in {", ".join(_INCHES)}, such as 3.3in; got '
      f'{text!r}.'
    )
  length = float(found[1]) * _INCHES[found[2]]
  if not _WIDTHS[0] <= length <= _WIDTHS[1]:
    raise UsageError(
      f'--width is from {_WIDTHS[0]:g}in to {_WIDTHS[1]:g}in; got {text!r}, '
      f'{length:.3g}in.'
    )
  return length
