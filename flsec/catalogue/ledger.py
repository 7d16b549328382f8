"""Writes docs/reproduction.md: each printed number, ours, and the verdict.

python -m flsec.catalogue.ledger docs/reproduction.md
"""

import collections
import pathlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence

from flsec import atomic_file
from flsec.catalogue import (
  comparison,
  outline,
  papers,
  printed,
  results,
  shares,
)
from flsec.catalogue.comparison import Line, Ours
from flsec.catalogue.papers import Entry
from flsec.catalogue.printed import PrintedValue
from flsec.catalogue.results import Result
from flsec.config import sizes

HEAD = ('measure', 'paper', 'ours', 'difference', 'verdict')
_INTRODUCTION = f"""# Reproduction

<!-- Made from experiments/*/results by `python -m flsec.catalogue.ledger
docs/reproduction.md`; a test compares the two. -->

What the papers print, and what flsec came to. Every number of ours is taken
from a run by `flsec reproduce PAPER TABLE --record`, which writes it with the
run's name, seed, fingerprint and commit to `experiments/PAPER/results`, and
this page from there. `flsec list experiments` says what there is of each paper,
and what is missing.

* *Ours* is the median over seeds [least, greatest], with n seeds. Where the
  paper has a picture and no numbers, it stands alone and is not counted.
* *near*: within {comparison.NEAR_POINTS:g} points, or, of what is no share, \
within a tenth.
* *same order*: not near, but to {100 * comparison.SAME_ORDER:.0f} % of its \
neighbours in the table (one key differs)
  it stands as in print.
* *differs, cause*: neither, and the cause is known.
* *differs*: neither, and why is open: what was tried is said, or that the run
  is smaller than the paper's.
"""
_NONE = '\nNo run is recorded yet.\n'


def page(root: pathlib.Path) -> str:
  """Returns the page as Markdown.

  Args:
    root: the folder of the experiments.
  """
  parts = []
  lines: dict[str, list[Line]] = {}
  for paper in papers.read(root).values():
    heading = [f'\n## {paper.title}\n']
    for entry in paper.entries.values():
      sections = list(_sections(entry))
      if sections:
        parts += heading + [text for _, text, _ in sections]
        heading = []
      found = _once(entry, {size: lines for size, _, lines in sections})
      if found:
        lines.setdefault(paper.title, []).extend(found)
  return _INTRODUCTION + (_totals(lines) + ''.join(parts) or _NONE)


def write(root: pathlib.Path) -> pathlib.Path:
  """Writes the page into the checkout of the experiments; returns its path."""
  path = root.resolve().parent / 'docs' / 'reproduction.md'
  atomic_file.write_atomically(path, page(root))
  return path


def table(lines: Sequence[Line]) -> list[tuple[str, ...]]:
  """Returns the cells of a table: keys, then as `HEAD` says."""
  return [
    (
      *line.printed.keys.values(),
      line.printed.measure,
      in_print(line.printed),
      of_ours(line.ours),
      '' if line.difference is None else f'{line.difference:+.4g}',
      line.words
      + (f' (print: {line.printed.note})' if line.printed.note else ''),
    )
    for line in lines
  ]


def in_print(row: PrintedValue) -> str:
  """Returns a printed number as the paper has it, with its unit."""
  text = 'N/A' if row.value is None else f'{row.value:g}'
  if row.spread is not None:
    text += f' ± {row.spread:g}'
  return text if row.unit == '1' else f'{text} {row.unit}'


def of_ours(ours: Ours) -> str:
  """Returns a number of ours, its spread and its number of seeds."""
  if ours.centre is None:
    return 'N/A'
  text = f'{ours.centre:.4g}'
  if ours.count > 1:
    text += f' [{ours.low:.4g}, {ours.high:.4g}]'
  return f'{text}, n = {ours.count}'


def _sections(entry: Entry) -> Iterator[tuple[str, str, list[Line]]]:
  """Yields each size of a table that runs were recorded of, its text, lines."""
  found = results.read(entry.results)
  numbers = printed.read(entry.printed) if entry.printed else []
  for size in dict.fromkeys(one.size for one in found):
    lines = comparison.compare(entry, numbers, found, size)
    if numbers:
      shown = _markdown([*numbers[0].keys, *HEAD], table(lines))
    else:
      shown = _markdown(*_without_print(entry, size, found))
    text = [
      f'\n### {entry.where}, {size}: {entry.title}\n',
      protocol(entry, size, found),
      '',
      shown,
    ]
    yield size, '\n'.join(text) + '\n', lines


def _once(entry: Entry, by_size: Mapping[str, Sequence[Line]]) -> list[Line]:
  """Returns a line for each printed number, of the size nearest to the print.

  That is the paper's own, then another that is not smaller, then the others as
  they were recorded; never the one that came nearest.
  """
  found: dict[tuple, Line] = {}
  for size in sorted(
    by_size,
    key=lambda size: (size != sizes.FULL, outline.is_smaller(entry, size)),
  ):
    for line in by_size[size]:
      place = (*line.printed.keys.values(), line.printed.measure)
      found.setdefault(place, line)
  return list(found.values())


def _without_print(
  entry: Entry, size: str, found: Sequence[Result]
) -> tuple[list[str], list[list[str]]]:
  """Returns a head, and a row a cell, of what has no numbers in print."""
  cells: dict[tuple[str, ...], dict[str, list[Result]]] = {}
  for one in shares.with_shares(entry, found):
    if one.size == size:
      cell = cells.setdefault(tuple(one.keys.values()), {})
      cell.setdefault(one.measure, []).append(one)
  measures = entry.measures
  rows = [
    [
      *keys,
      *(_of_seeds(cell[name]) if name in cell else '' for name in measures),
    ]
    for keys, cell in sorted(cells.items())
  ]
  heads = [
    f'{name}, %' if one.times == 100 else name for name, one in measures.items()
  ]
  return [*found[0].keys, *heads], rows


def _of_seeds(found: Sequence[Result]) -> str:
  return of_ours(comparison.put_together(found))


def protocol(entry: Entry, size: str, found: Sequence[Result]) -> str:
  """Says in a line how the numbers of a size were made."""
  own = [one for one in found if one.size == size]
  seeds = sorted({one.seed for one in own})
  there = [
    f'`{run.file.parent.name}/{run.file.name}` '
    f'({outline.outline(run.file, size, run.sweep)})'
    for run in entry.runs
    if size in outline.sizes_of(run.file)
  ]
  which = "The paper's size"
  if outline.is_smaller(entry, size):
    which = 'A smaller size'
  elif outline.has_other_settings(entry, size):
    which += ', with settings of its own'
  elif size != sizes.FULL:
    which += ', some of its cells'
  runs = len({one.run for one in own})
  return (
    f'{which}: {", ".join(there)}; {runs} runs recorded, seeds '
    f'{", ".join(map(str, seeds))} (the paper: {entry.seeds}), flsec '
    f'{", ".join(sorted({one.version for one in own}))}{_commits(own)}.'
  )


def _commits(own: Sequence[Result]) -> str:
  """Says which commits made the runs of a size, where one is known."""
  runs: dict[str, set[str]] = {}
  for one in own:
    runs.setdefault(one.commit, set()).add(one.run)
  unknown = len(runs.pop('', ()))
  if not runs:
    return ''
  words = ', '.join(map(_short_commit, sorted(runs)))
  rest = f' (of {unknown} runs it was not noted)' if unknown else ''
  return f', commit{"s" if len(runs) > 1 else ""} {words}{rest}'


def _short_commit(commit: str) -> str:
  return re.sub(r'[0-9a-f]{40}', lambda found: found[0][:12], commit)


def _totals(lines: Mapping[str, Sequence[Line]]) -> str:
  """Returns how many numbers of each paper came to which verdict."""
  if not lines:
    return ''
  all_of_them = [one for found in lines.values() for one in found]
  rows = [(title, *_shares(found)) for title, found in lines.items()]
  rows.append(('all', *_shares(all_of_them)))
  return (
    f'\n**{len(all_of_them)} printed numbers have ours beside them.**\n'
    'Each counts once, by its run nearest to the size of the paper.\n\n'
    f'{_markdown(("paper", "numbers", *comparison.VERDICTS), rows)}\n'
  )


def _shares(lines: Sequence[Line]) -> list[str]:
  counts = collections.Counter(line.verdict for line in lines)
  return [
    str(len(lines)),
    *(
      f'{counts[verdict]} ({100 * counts[verdict] / len(lines):.0f} %)'
      for verdict in comparison.VERDICTS
    ),
  ]


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
  lines = (head, ['---'] * len(head), *rows)
  return '\n'.join(f'| {" | ".join(cells)} |' for cells in lines)


if __name__ == '__main__':
  atomic_file.write_atomically(pathlib.Path(sys.argv[1]), page(papers.folder()))
