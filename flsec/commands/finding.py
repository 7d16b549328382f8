"""What one check of `flsec doctor` found."""

import dataclasses
import textwrap

_MARKS = {'fine': '[ ok ]', 'note': '[note]', 'broken': '[FAIL]'}
_WIDTH = 88


@dataclasses.dataclass(frozen=True)
class Finding:
  """A check's result.

  Attributes:
    status: 'fine', 'note' (works, but worth knowing) or 'broken'.
    what: what was found.
    way_out: what to do about it; empty where nothing has to be done.
  """

  status: str
  what: str
  way_out: str = ''

  def text(self) -> str:
    """Returns the lines for the console."""
    indent = ' ' * 7
    lines = _wrapped(f'{_MARKS[self.status]} {self.what}', indent)
    if self.way_out:
      lines += _wrapped(f'{indent}-> {self.way_out}', f'{indent}   ')
    return '\n'.join(lines)


def fine(what: str) -> Finding:
  """A check that passed."""
  return Finding('fine', what)


def note(what: str, way_out: str = '') -> Finding:
  """Something that works but is worth knowing."""
  return Finding('note', what, way_out)


def broken(what: str, way_out: str) -> Finding:
  """Something without which nothing runs, and what to do about it."""
  return Finding('broken', what, way_out)


def _wrapped(text: str, indent: str) -> list[str]:
  return textwrap.wrap(
    text,
    _WIDTH,
    subsequent_indent=indent,
    break_long_words=False,
    break_on_hyphens=False,
  )
