"""Tables as text, CSV, JSON, Markdown and LaTeX."""

import csv
import io
import itertools
import json
import re
from collections.abc import Sequence
from typing import Any, Callable, Union

from flsec.experiment.summary import finite
from flsec.reporting import spread as spread_lib
from flsec.reporting.spread import Spread
from flsec.reporting.table import (
  MIB,
  PERCENT,
  SECONDS,
  Entry,
  Number,
  Table,
  unfolded,
)

NOTHING = '-'
_PLUS_MINUS = '±'
_GAP = '  '
_WIDTH = 120  # Letters.
_LATEX = {
  '\\': r'\textbackslash{}', '&': r'\&', '%': r'\%', '$': r'\$', '#': r'\#',
  '_': r'\_', '{': r'\{', '}': r'\}', '~': r'\textasciitilde{}',
  '^': r'\textasciicircum{}', '<': r'\textless{}', '>': r'\textgreater{}',
  '±': r'$\pm$', '–': '--', '|': r'\textbar{}',
}  # fmt: skip


def number(value: Union[int, float, None], unit: str = PERCENT) -> str:
  """Returns a number as a reader wants it.

  Shares become per cent with two decimals: one image of 10,000 counts.
  MiB have two, too, seconds three significant digits.
  """
  if value is None:
    return NOTHING
  if unit == PERCENT:
    return f'{100 * value:.2f}'
  if unit == MIB:
    return f'{value:.2f}'
  return f'{value:.3g}' if unit == SECONDS else str(value)


def entry_text(entry: Entry, counts: Sequence[int] = ()) -> str:
  """Returns what stands in a box of a table.

  Args:
    entry: a text, a number or a spread.
    counts: the numbers of seeds in the whole table. Where they differ, each
      spread says its own.
  """
  if isinstance(entry, str):
    return entry
  if not isinstance(entry.value, Spread):
    return number(entry.value, entry.unit)
  found, unit = entry.value, entry.unit
  text = number(found.centre, unit)
  if found.kind == spread_lib.DIFFERENCE and found.centre >= 0:
    text = f'+{text}'
  if found.count > 1 and found.kind == spread_lib.MEAN:
    text += f' {_PLUS_MINUS} {number(found.deviation, unit)}'
  elif found.count > 1:
    text += f' [{number(found.low, unit)}, {number(found.high, unit)}]'
  return f'{text} (n={found.count})' if len(counts) > 1 else text


def to_text(table: Table) -> str:
  """Returns columns that are as wide as they need to be, caption first.

  Where that is more than a terminal shows, groups become rows.
  """
  lines = _text_lines(table)
  if table.unfolds and max(map(len, lines)) > _WIDTH:
    lines = _text_lines(unfolded(table))
  head = [table.caption] if table.caption else []
  return '\n'.join([*head, *lines, *table.notes]) + '\n'


def _text_lines(table: Table) -> list[str]:
  counts = table.counts
  names = [column.name for column in table.columns]
  lines = [[entry_text(one, counts) for one in row] for row in table.rows]
  widths = [max(map(len, column)) for column in zip(names, *lines)]
  over = []
  for group, members in table.groups:
    # The last column of a group takes what the group's name needs.
    gaps = len(_GAP) * (len(members) - 1)
    spare = len(group) - gaps - sum(widths[i] for i in members)
    widths[members[-1]] += max(0, spare)
    over.append(group.ljust(gaps + sum(widths[i] for i in members)))
  right = [table.is_numeric(i) for i in range(len(names))]
  return [
    *([_GAP.join(over).rstrip()] if table.has_groups else []),
    _line(names, widths, right),
    _GAP.join('-' * width for width in widths),
    *(_line(line, widths, right) for line in lines),
  ]


def _line(
  texts: Sequence[str], widths: Sequence[int], right: Sequence[bool]
) -> str:
  parts = [
    text.rjust(width) if to_right else text.ljust(width)
    for text, width, to_right in zip(texts, widths, right)
  ]
  return _GAP.join(parts).rstrip()


def to_csv(table: Table) -> str:
  """Returns a table for programs: shares of 1 in full, a spread in columns."""
  records = _records(table)
  names = list(dict.fromkeys(itertools.chain.from_iterable(records)))
  buffer = io.StringIO()
  writer = csv.DictWriter(buffer, names, lineterminator='\n')
  writer.writeheader()
  writer.writerows(records)
  return buffer.getvalue()


def _records(table: Table) -> list[dict[str, Any]]:
  """Returns {column: value} of each row; a spread takes four columns."""
  wide = {
    i
    for row in table.rows
    for i, one in enumerate(row)
    if isinstance(one, Number) and isinstance(one.value, Spread)
  }
  records = []
  for row in table.rows:
    record: dict[str, Any] = {}
    for i, (column, entry) in enumerate(zip(table.columns, row)):
      value = entry.value if isinstance(entry, Number) else entry
      title = column.title or 'row'
      if i not in wide:
        record[title] = value
        continue
      record[title] = value and value.centre
      record[f'{title}, low'] = value and finite(value.low)
      record[f'{title}, high'] = value and finite(value.high)
      record[f'{title}, n'] = value and value.count
    records.append(record)
  return records


def to_json(table: Table) -> str:
  """Returns a table as an object: caption, notes and rows as in the CSV."""
  found = {
    'name': table.name,
    'caption': table.caption,
    'rows': _records(table),
    'notes': list(table.notes),
  }
  return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + '\n'


def to_markdown(table: Table) -> str:
  """Returns a table as GitHub shows it."""
  counts = table.counts
  names = [column.title for column in table.columns]
  right = [table.is_numeric(i) for i in range(len(names))]
  rows = [
    names,
    ['---:' if numeric else '---' for numeric in right],
    *([entry_text(one, counts) for one in row] for row in table.rows),
  ]
  lines = [
    '| ' + ' | '.join(cell.replace('|', r'\|') for cell in row) + ' |'
    for row in rows
  ]
  head = [f'{table.caption}:', ''] if table.caption else []
  notes = [line for note in table.notes for line in ('', note)]
  return '\n'.join([*head, *lines, *notes]) + '\n'


def to_latex(table: Table) -> str:
  """Returns a table in the style of booktabs, to be put into a float."""
  right = [
    'r' if table.is_numeric(i) else 'l' for i in range(len(table.columns))
  ]
  counts = table.counts
  lines = [f'% {table.caption}', *(f'% {note}' for note in table.notes)]
  lines += [rf'\begin{{tabular}}{{{"".join(right)}}}', r'\toprule']
  if table.has_groups:
    lines += _latex_groups(table)
  names = [column.name for column in table.columns]
  lines += [_latex_line(names), r'\midrule']
  for row in table.rows:
    lines.append(_latex_line([entry_text(one, counts) for one in row]))
  return '\n'.join([*lines, r'\bottomrule', r'\end{tabular}']) + '\n'


def _latex_groups(table: Table) -> list[str]:
  groups = table.groups
  heads = [
    rf'\multicolumn{{{len(members)}}}{{c}}{{{to_latex_text(group)}}}'
    if group
    else ' & ' * (len(members) - 1)
    for group, members in groups
  ]
  rules = [
    rf'\cmidrule(lr){{{members[0] + 1}-{members[-1] + 1}}}'
    for group, members in groups
    if group
  ]
  return [' & '.join(heads).strip() + r' \\', ' '.join(rules)]


def _latex_line(texts: Sequence[str]) -> str:
  return ' & '.join(map(to_latex_text, texts)) + r' \\'


def to_latex_text(text: str) -> str:
  """Returns a text of which LaTeX takes no letter for a command."""
  # A row that begins with a bracket would be the option of the `\\` before.
  escaped = re.sub('.', lambda found: _LATEX.get(found[0], found[0]), text)
  return f'{{}}{escaped}' if escaped.startswith(('[', '*')) else escaped


FORMATS: dict[str, Callable[[Table], str]] = {
  'text': to_text,
  'csv': to_csv,
  'json': to_json,
  'md': to_markdown,
  'tex': to_latex,
}
