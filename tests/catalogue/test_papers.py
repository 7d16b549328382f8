"""The catalogue names every table and figure, and fits what there is."""

import pathlib

import pytest

from flsec.catalogue import outline, papers, printed, results
from flsec.config import cell_names, sizes, yaml_file
from flsec.config.errors import ConfigError

_FOLDER = pathlib.Path(__file__).resolve().parents[2] / 'experiments'
_PAPERS = papers.read(_FOLDER)
_ENTRIES = [one for p in _PAPERS.values() for one in p.entries.values()]


def _name(entry):
  return f'{entry.paper}/{entry.name}'


@pytest.fixture(params=_ENTRIES, ids=_name)
def entry(request) -> papers.Entry:
  return request.param


made = pytest.mark.parametrize(
  'entry', [one for one in _ENTRIES if one.runs and one.printed], ids=_name
)


@pytest.mark.parametrize(
  'paper, tables, figures',
  [
    ('flap', [1], [2]),
    ('feder', [1, 3, 4, 5], [1, 2, 3, 4]),
    ('hybrid_sparse', [3, 4, 5, 6, 7], [2, 3, 4]),
    ('federated_pruning', [1, 2, 3, 4, 5, 6], [4, 5, 7, 8]),
    ('agramplifier', [1, 2, 3, 4], list(range(5, 15))),
  ],
)
def test_every_table_and_figure_is_named(paper, tables, figures):
  names = {f'table{n}' for n in tables} | {f'figure{n}' for n in figures}
  assert names <= set(_PAPERS[paper].entries)


def test_an_experiment_makes_each(entry):
  assert entry.runs and entry.measures


def test_what_a_table_reads_is_what_runs_write(entry):
  # A name that no run writes would leave its numbers out without a word.
  folder = pathlib.Path(papers.__file__).parent
  source = '\n'.join(
    file.read_text(encoding='utf-8')
    for file in folder.parent.rglob('*.py')
    if file.parent != folder
  )
  for measure in entry.measures.values():
    if measure.of == ('accuracy_loss',):
      continue
    for word in set(measure.of) - set(measure.placeholders):
      # Names in `escape/` are put together.
      assert f"'{word.replace('escape/', '')}'" in source, word


def _labels(run, size):
  """Returns what cells of a run say of the keys of printed values."""
  raw = yaml_file.read(str(run.file))
  varied = sizes.resize(raw, size, str(run.file))[1]
  found = cell_names.labels([cell.labels for cell in varied.choices()])
  return [
    run.said_of(own)
    for own in found
    if papers.holds(run.sweep, own) and papers.holds(run.only, own)
  ]


@made
def test_every_printed_number_has_a_cell(entry):
  have = [own for run in entry.runs for own in _labels(run, 'full')]
  measured = 0
  for row in printed.read(entry.printed):
    is_made = row.measure in entry.measures
    assert is_made == any(results.belongs(row, entry, own) for own in have)
    measured += is_made
  assert measured
  if measured < printed.count(entry.printed):
    assert entry.missing


@made
def test_every_cell_that_a_table_shows_is_printed(entry):
  rows = printed.read(entry.printed)
  for run in entry.runs:
    for own in _labels(run, 'full'):
      is_clean = own.get('attack') == 'none' and not run.only
      assert is_clean or any(results.belongs(row, entry, own) for row in rows)


def test_every_choice_that_a_catalogue_names_is_one_of_the_experiment(entry):
  for run in entry.runs:
    raw = yaml_file.read(str(run.file))
    varied = sizes.resize(raw, 'full', str(run.file))[1]
    known = {}
    for own in cell_names.labels([c.labels for c in varied.choices()]):
      for axis, choice in own.items():
        known.setdefault(axis, set()).add(choice)
    for named in (run.sweep, run.only):
      for axis, choices in named.items():
        assert set(choices) <= known[axis]
    axes = {word[1:-1] for word in run.keys.values() if word.startswith('{')}
    assert axes <= set(known)


def test_causes_speak_of_what_is_printed(entry):
  if entry.printed is None:
    assert not entry.causes
    return
  rows = printed.read(entry.printed)
  for cause in entry.causes:
    assert cause.because
    assert any(
      papers.holds(
        {axis: c for axis, c in cause.when.items() if axis != 'size'},
        {**row.keys, 'measure': row.measure},
      )
      for row in rows
    )


def test_each_has_a_small_size(entry):
  for run in entry.runs:
    assert 'small' in outline.sizes_of(run.file)
    full, small = (
      outline.outline(run.file, size, run.sweep) for size in ('full', 'small')
    )
    assert 0 < small.cells <= full.cells and small.rounds <= full.rounds


def test_outline_of_a_sweep(tmp_path):
  file = tmp_path / 'x.yaml'
  file.write_text(
    'rounds: 5\nclients: {num_clients: 7}\n'
    'sweep:\n'
    '  size:\n'
    '    a: {clients.num_clients: 3}\n'
    '    b: {rounds: 9}\n'
    '  seed: [1, 2]\n'
    'sizes: {small: {rounds: 2, sweep: {seed: [1], size: [a]}}}\n'
  )
  assert outline.sizes_of(file) == ['full', 'small']
  assert outline.outline(file, 'full', {}) == outline.Outline(4, 9, 7)
  assert outline.outline(file, 'full', {'size': ('a',)}) == outline.Outline(
    2, 5, 3
  )
  small = outline.outline(file, 'small', {'size': ('a',)})
  assert str(small) == '1 cell x 2 rounds x 3 clients'


class TestFind:
  def test_a_number_is_a_table(self):
    assert papers.find(_PAPERS, 'flap', '1').name == 'table1'
    assert papers.find(_PAPERS, 'flap', 'figure2').where == 'Figure 2'

  @pytest.mark.parametrize(
    'paper, name, message',
    [
      ('flp', '1', "no paper 'flp'; did you mean 'flap'"),
      ('flap', '9', 'flap has no .9.*It has table1, .*figure2'),
    ],
  )
  def test_refusals(self, paper, name, message):
    with pytest.raises(ConfigError, match=message):
      papers.find(_PAPERS, paper, name)


class TestRead:
  def _read(self, folder, text):
    (folder / 'mine').mkdir(exist_ok=True)
    (folder / 'mine' / 'catalogue.yaml').write_text(text)
    return papers.read(folder)

  @pytest.mark.parametrize(
    'text, message',
    [
      ('entries: {}', 'title: is missing'),
      ('title: x\nentries: 3', 'entries: expected a mapping'),
      (
        'title: x\nentries: {table1: {title: y}}',
        r'has no .*table1\.csv; write it, or say',
      ),
      (
        'title: x\nentries: {f: {title: y, picture_onl: true}}',
        "f.picture_onl: is no key here; did you mean 'picture_only'",
      ),
      (
        'title: x\nentries: {f: {title: y, picture_only: true, '
        'runs: [{sweep: {}}]}}',
        r'entries\.f\.runs\.file: is missing',
      ),
      (
        'title: x\nentries: {f: {title: y, picture_only: true, '
        'runs: [{file: a.yaml, sweep: {rule: mean}}]}}',
        r'sweep\.rule: expected a list of choices',
      ),
      (
        'title: x\nentries: {f: {title: y, picture_only: true, '
        'causes: [{when: {}, because: a, tried: b}]}}',
        r'causes\.because: is no key here.*when, tried',
      ),
      (
        'title: x\nentries: {f: {title: y, picture_only: true, '
        'causes: [{when: {}}]}}',
        r'causes\.because: is missing',
      ),
    ],
  )
  def test_refusals(self, tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
      self._read(tmp_path, text)

  def test_numbers_and_picture_only_exclude_one_another(self, tmp_path):
    (tmp_path / 'mine' / 'printed').mkdir(parents=True)
    (tmp_path / 'mine' / 'printed' / 'f.csv').write_text('')
    with pytest.raises(ConfigError, match=r'both .* and `picture_only`'):
      self._read(
        tmp_path, 'title: x\nentries: {f: {title: y, picture_only: true}}'
      )


def test_experiments_here_come_before_those_that_are_shipped(
  tmp_path, monkeypatch
):
  monkeypatch.chdir(tmp_path)
  assert papers.folder().resolve() == _FOLDER
  (tmp_path / 'experiments' / 'mine').mkdir(parents=True)
  (tmp_path / 'experiments' / 'mine' / 'catalogue.yaml').write_text('title: x')
  assert papers.folder().resolve() == tmp_path / 'experiments'


def test_keys_are_fixed_or_an_axis():
  run = papers.Run(
    pathlib.Path('x.yaml'), {'victim': '9', 'target': '{attack.label}'}, {}, {}
  )
  assert run.said_of({'attack.label': '3', 'vote': 'ranking'}) == {
    'victim': '9',
    'target': '3',
    'vote': 'ranking',
  }


def test_choices_hold_of_labels():
  choices = {'rule': ('mean', 'krum')}
  assert papers.holds(choices, {'rule': 'krum', 'attack': 'x'})
  assert not papers.holds(choices, {'rule': 'median'})
  assert not papers.holds(choices, {})
  assert papers.holds({}, {})
