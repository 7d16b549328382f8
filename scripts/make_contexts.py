"""Writes docs/contexts.md from the docstrings of the records it describes.

usage: python scripts/make_contexts.py docs/contexts.md

Reads the sources' text: needs nothing installed.
"""

import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
_INTRODUCTION = """# What attacks, rules, pruners and phases are given

<!-- Made from the docstrings by `python scripts/make_contexts.py
docs/contexts.md`; a test compares the two. -->

Field by field, and with shapes: n clients take part in a round, c of them
malicious; d is the length of the weight vector, b that of a batch. Tensors are
TensorFlow's, in a graph: no Python `if` on their values. [round.md](round.md)
says when each is called, [extending.md](extending.md) how a component is
registered.
"""
# Heading -> (text above the table, file, class).
_RECORDS = {
  'An attack': (
    'The hooks that an attack fills in, each None where it has no use for it',
    'attacks/attack.py',
    'Attack',
  ),
  "An attack's context": (
    'The last argument of every hook',
    'attacks/attack.py',
    'AttackContext',
  ),
  'What a malicious client reports from': (
    '`Attack.report(honest report, observed, context)` answers a defence that '
    'asks clients. It is given',
    'attacks/attack.py',
    'Observed',
  ),
  'Victims': (
    'What `Attack.victims(x, y)` returns',
    'attacks/attack.py',
    'Victims',
  ),
  'A rule': (
    'What a rule is; `flsec.aggregators.rule.stateless` makes one of a '
    'function `(updates, weights, context) -> (update, measurements)`',
    'aggregators/rule.py',
    'Rule',
  ),
  "A rule's context": (
    'The last argument of `Rule.next`',
    'aggregators/rule.py',
    'ServerContext',
  ),
  'A pruner': ('What a pruner is:', 'pruning/pruner.py', 'Pruner'),
  "A pruner's context": (
    'The last argument of `Pruner.prune(weights, layout, context)`',
    'pruning/pruner.py',
    'PruningContext',
  ),
  'A phase': ('What a phase is:', 'defenses/phase.py', 'Phase'),
  'What a phase asks clients': (
    '`Phase.collect`',
    'defenses/phase.py',
    'Question',
  ),
  "A phase's reports": (
    'What `Phase.decide(weights, mask, reports, layout, evaluate)` gets of the '
    'answers',
    'defenses/phase.py',
    'Reports',
  ),
  'Rounds of a phase': ('`Phase.rounds`:', 'defenses/phase.py', 'Rounds'),
  'The layout': (
    'Where the layers lie in the weight vector; `layout.layers` are',
    'models/layout.py',
    'Layer',
  ),
}
_ATTRIBUTE = re.compile(r'^  (\w+(?:, \w+)*): (.*)$')


def page() -> str:
  """Returns the page as Markdown."""
  sections = [_INTRODUCTION]
  for heading, (text, file, name) in _RECORDS.items():
    docstring, types = record(file, name)
    module = 'flsec.' + file.removesuffix('.py').replace('/', '.')
    lines = [f'## {heading}', '', f'{text} (`{module}.{name}`):', '']
    lines += ['| field | type | what |', '|---|---|---|']
    for names, meaning in attributes(docstring).items():
      kinds = dict.fromkeys(types[one] for one in names.split(', '))
      shown = ', '.join(f'`{one}`' for one in names.split(', '))
      kind = ', '.join(f'`{one}`' for one in kinds).replace('|', '\\|')
      lines.append(f'| {shown} | {kind} | {meaning} |')
    sections.append('\n'.join(lines) + '\n')
  lines = ['## The functions', '', 'What the types above stand for:', '']
  lines += ['| type | function |', '|---|---|']
  for file in dict.fromkeys(file for _, file, _ in _RECORDS.values()):
    for name, meaning in functions(file).items():
      lines.append(f'| `{name}` | {meaning} |')
  sections.append('\n'.join(lines) + '\n')
  return '\n'.join(sections)


def record(file: str, name: str) -> tuple[str, dict[str, str]]:
  """Returns a dataclass's docstring, and the types of its fields by name."""
  tree = ast.parse((ROOT / 'flsec' / file).read_text(encoding='utf-8'))
  (found,) = (
    node
    for node in tree.body
    if isinstance(node, ast.ClassDef) and node.name == name
  )
  types = {
    node.target.id: ast.unparse(node.annotation)
    for node in found.body
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
  }
  return ast.get_docstring(found) or '', types


def functions(file: str) -> dict[str, str]:
  """Returns what the comments above a file's types of functions say."""
  text = (ROOT / 'flsec' / file).read_text(encoding='utf-8')
  found = re.findall(r'((?:^# .*\n)+)^(\w+) = Callable\[', text, re.MULTILINE)
  return {
    name: ' '.join(line[2:].strip() for line in comment.splitlines())
    for comment, name in found
  }


def attributes(docstring: str) -> dict[str, str]:
  """Returns what a docstring's `Attributes` say, by name or names."""
  meanings: dict[str, str] = {}
  names = ''
  for line in docstring.partition('Attributes:\n')[2].splitlines():
    found = _ATTRIBUTE.match(line)
    if found:
      names, meaning = found.groups()
      meanings[names] = meaning
    elif names and line.strip():
      meanings[names] += f' {line.strip()}'
  return meanings


if __name__ == '__main__':
  pathlib.Path(sys.argv[1]).write_text(page(), encoding='utf-8')
