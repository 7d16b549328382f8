"""Writes docs/configuration.md from the schema.

python -m flsec.config.documentation docs/configuration.md
"""

import dataclasses
import inspect
import pathlib
import re
import sys
from typing import Any

from flsec.config import annotations, attack_training, clients, schema
from flsec.config.sections import kind_of
from flsec.config.validate import range_in_words

_INTRODUCTION = """# Configuration

<!-- Made from flsec/config/schema.py by `python -m flsec.config.documentation
docs/configuration.md`; a test compares the two. -->

An experiment is a YAML file. A *component* is written as its name
(`aggregator: krum`) or as a mapping with its options (`aggregator: {name: krum,
num_byzantine: 4}`); `flsec list` names all components and their options. In the
sections `dataset` and `attack` the component's own options stand beside the
keys below. Whatever is unknown, ill-typed or impossible is refused before data
are read.

`--set=attack.start_round=3` changes one value, `--sweep=seed=[1,2,3]` runs a
cell for each; in the file, `sweep:` maps paths to lists of values:

```yaml
sweep:
  server.aggregator: [mean, median, {name: krum, num_byzantine: 4}]
  seed: [1, 2, 3]
```

Every cell has its own folder, `runs/NAME/CELL`, whose name says what was varied
or set, then the seed: `runs/quickstart/aggregator=krum,seed=2`. Cases with
names, conditions beside the product and the sizes of an experiment are in
[sweeps.md](sweeps.md).
"""
_SECTIONS = {
  '': schema.Experiment,
  'dataset': schema.DatasetConfig,
  'dataset.root, dataset.validation': schema.ServerSet,
  'clients': schema.ClientsConfig,
  'clients.optimizer': schema.OptimizerConfig,
  'clients.augmentation': clients.AugmentationConfig,
  'attack': schema.AttackConfig,
  'attack.training': attack_training.AttackTrainingConfig,
  'server': schema.ServerConfig,
  'server.schedule': schema.ScheduleConfig,
  'server.root_training': schema.RootTrainingConfig,
  'start_from': schema.StartConfig,
  'evaluation': schema.EvaluationConfig,
  'runtime': schema.RuntimeConfig,
}
_ATTRIBUTE = re.compile(r'^  (\w+): (.*)$')


def page() -> str:
  """Returns the page as Markdown."""
  return '\n'.join(
    [_INTRODUCTION, *(_section(*item) for item in _SECTIONS.items())]
  )


def _section(path: str, section: type) -> str:
  text = inspect.getdoc(section) or ''
  wanted, meanings = schema.types_of(section), _meanings(text)
  lines = [f'## {f"`{path}`" if path else "Top level"}', '']
  lines += [text.splitlines()[0], '']
  lines += ['| key | value | default | meaning |', '|---|---|---|---|']
  for field in dataclasses.fields(section):
    if field.name != 'options':
      cells = (
        f'`{field.name}`',
        _value(wanted[field.name], field),
        _default(field),
        meanings[field.name],
      )
      lines.append(f'| {" | ".join(cells)} |')
  return '\n'.join(lines) + '\n'


def _meanings(text: str) -> dict[str, str]:
  """Returns what the docstring's `Attributes` say, by name."""
  meanings: dict[str, str] = {}
  name = ''
  for line in text.partition('Attributes:\n')[2].splitlines():
    found = _ATTRIBUTE.match(line)
    if found:
      name, meaning = found.groups()
      meanings[name] = meaning
    elif name:
      meanings[name] += f' {line.strip()}'
  return meanings


def _value(wanted: Any, field: 'dataclasses.Field[Any]') -> str:
  if kind_of(field):
    is_list = 'tuple' in str(wanted)
    return (
      f'list of {field.metadata["kind"]}s'
      if is_list
      else (f'{field.metadata["kind"]}')
    )
  words = annotations.describe(wanted).replace(' or null', '')
  bounds = range_in_words(field.metadata)
  return f'{words}, {bounds}' if bounds else words


def _default(field: 'dataclasses.Field[Any]') -> str:
  default = field.default
  if isinstance(default, schema.Component):
    return f'`{default.name}`'
  if isinstance(default, tuple) and default and kind_of(field):
    return f'`[{", ".join(one.name for one in default)}]`'
  if default is dataclasses.MISSING:
    is_section = field.default_factory is not dataclasses.MISSING
    return 'its defaults' if is_section else '**required**'
  if default is None or default in ('', ()):
    return ''
  return f'`{str(default).lower() if isinstance(default, bool) else default}`'


def main() -> None:
  """Writes the page to the file that the command line names."""
  pathlib.Path(sys.argv[1]).write_text(page(), encoding='utf-8')


if __name__ == '__main__':
  main()
