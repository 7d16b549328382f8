"""`flsec list experiments`: every table and figure of the papers."""

from collections.abc import Sequence

from flsec.catalogue import outline, papers, printed
from flsec.catalogue.papers import Entry
from flsec.commands.command import UsageError
from flsec.commands.paragraphs import paragraph
from flsec.config.errors import closest


def show(words: Sequence[str]) -> None:
  """Prints the catalogue, or the parts of some papers.

  Args:
    words: names of papers; all where there are none.

  Raises:
    UsageError: a word is no paper's name.
  """
  known = papers.read(papers.folder())
  for word in words:
    if word not in known:
      raise UsageError(
        f'there is no paper {word!r}{closest(word, known)} Papers: '
        f'{", ".join(known)}.'
      )
  for name in words or known:
    paper = known[name]
    print(f'{name}: {paper.title} ({len(paper.entries)})')
    for entry in paper.entries.values():
      print('\n'.join(_describe(entry)))
    print()


def _describe(entry: Entry) -> list[str]:
  lines = [f'  {entry.name}', paragraph(f'{entry.where}: {entry.title}')]
  lines.append(paragraph(f'printed: {_numbers(entry)}'))
  files = {}
  for run in entry.runs:
    for size in outline.sizes_of(run.file):
      there = outline.outline(run.file, size, run.sweep)
      if there.cells:
        files.setdefault(str(run.file), []).append(f'{size}: {there}')
  for file, sizes in files.items():
    lines.append(paragraph(f'{file}: {"; ".join(sizes)}'))
  if entry.seeds > 1:
    lines.append(paragraph(f'the paper puts {entry.seeds} seeds together'))
  if not entry.runs:
    lines.append(paragraph('no experiment makes it yet'))
  return lines + [paragraph(f'missing: {one}') for one in entry.missing]


def _numbers(entry: Entry) -> str:
  if entry.printed is None:
    return 'picture only'
  return f'{printed.count(entry.printed)} values, {entry.printed}'
