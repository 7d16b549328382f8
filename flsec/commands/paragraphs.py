"""How lists in the terminal set their text."""

import textwrap

_WIDTH = 88
_INDENT = ' ' * 6


def paragraph(text: str) -> str:
  """Returns a text in lines, set in below the name of an entry."""
  return textwrap.fill(
    text,
    _WIDTH,
    initial_indent=_INDENT,
    subsequent_indent=_INDENT + '  ',
    break_long_words=False,
    break_on_hyphens=False,
  )
