"""Pictures of a report: what they are called and how they become files."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Callable, Optional

from matplotlib.figure import Figure

from flsec.reporting import style

FORMATS = ('png', 'pdf', 'svg')


@dataclasses.dataclass(frozen=True)
class Picture:
  """A picture that is yet to be drawn.

  Attributes:
    name: a word, for its file or anchor.
    title: what it shows.
    caption: how to read it.
    is_wide: whether it takes the page's whole width.
    draw: draws it; None where the numbers for it are missing.
  """

  name: str
  title: str
  caption: str
  is_wide: bool
  draw: Callable[[], Optional[Figure]]


@dataclasses.dataclass(frozen=True)
class Rendered:
  """A picture as files.

  Attributes:
    picture: what it shows.
    files: the bytes of each, by format.
  """

  picture: Picture
  files: Mapping[str, bytes]


def render(
  pictures: Iterable[Picture],
  page: style.Page = style.SCREEN,
  formats: Sequence[str] = ('png',),
) -> list[Rendered]:
  """Draws the pictures that there are numbers for.

  Args:
    pictures: what may be drawn.
    page: what for.
    formats: `png`, `pdf`, `svg`.
  """
  found = []
  with style.context(page):
    for picture in pictures:
      figure = picture.draw()
      if figure is not None:
        files = {name: style.render(figure, name) for name in formats}
        found.append(Rendered(picture, files))
  return found
