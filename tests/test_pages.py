"""What the pages of docs/ show, done: as test_readme.py does for the README."""

import ast
import contextlib
import importlib.util
import io
import json
import pathlib
import re

import numpy as np
import pytest
import test_readme

import flsec
from flsec import registry

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_PAGES = sorted([*_ROOT.glob('*.md'), *(_ROOT / 'docs').rglob('*.md')])
_RUN = ('extending.md', 'python.md')
_NOTEBOOK = _ROOT / 'examples' / 'attack_study.ipynb'


def text_of(page):
  return (_ROOT / 'docs' / page).read_text(encoding='utf-8')


@pytest.fixture
def folder(tmp_path, monkeypatch):
  """The present folder of a test; its plug-ins are forgotten after it."""
  monkeypatch.chdir(tmp_path)
  before = list(registry._plugins)
  yield tmp_path
  registry._plugins[:] = before


def write_files(page, folder):
  """Writes what a page's fences `file=NAME` hold; returns the names."""
  text, names = text_of(page), []
  for language in ('python', 'yaml'):
    for info, body in test_readme.blocks(text, language):
      if info.startswith('file='):
        names.append(info.partition('=')[2])
        (folder / names[-1]).write_text(body, encoding='utf-8')
  return names


@pytest.mark.parametrize('page', _RUN)
def test_every_python_block_is_run_or_written(page):
  for info, _ in test_readme.blocks(text_of(page), 'python'):
    assert info == 'test' or info.startswith('file=')


def test_own_components_run_together(folder):
  names = write_files('extending.md', folder)
  plugins = [name for name in names if name.endswith('.py')]
  assert len(plugins) == 4 and 'own.yaml' in names
  for name in plugins:
    body = ast.parse((folder / name).read_text()).body
    (function,) = (n for n in body if isinstance(n, ast.FunctionDef))
    assert function.end_lineno - function.lineno < 20, name
  result = flsec.run('own.yaml', progress=False)
  assert result.is_done and result.config['model']['name'] == 'ring_net'
  # The phase has clipped what it says, the partition dealt as it says.
  assert np.abs(result.weights()).max() <= 0.5
  assert result.last('phase/clipped') > 0
  with np.load(result.path / 'labels.npz') as labels:
    held = labels['counts'].sum(axis=1)
  assert held.tolist() == [192, 58, 58, 58, 57, 57]


@pytest.mark.slow
def test_commands_run(folder):
  write_files('extending.md', folder)
  for words in test_readme.commands(text_of('extending.md'), 'test'):
    assert words[0] == 'flsec'
    done = test_readme.run_flsec(words[1:], folder)
    assert done.returncode == 0 and done.stdout, done.stderr


@pytest.mark.slow
def test_python_runs_and_prints_what_it_says(folder):
  text = text_of('python.md')
  output, namespace = io.StringIO(), {}
  with contextlib.redirect_stdout(output):
    for info, body in test_readme.blocks(text, 'python'):
      if info == 'test':
        exec(compile(body, 'python.md', 'exec'), namespace)
  said = re.findall(r'print\(.*\)  # (.*)', text)
  assert len(said) >= 4
  for expected in said:
    assert f'{expected}\n' in output.getvalue()
  assert re.search(r'round 3: accuracy 0\.\d+, 6 of 6 rows', output.getvalue())


class TestNotebook:
  def cells(self, kind):
    notebook = json.loads(_NOTEBOOK.read_text(encoding='utf-8'))
    return [
      ''.join(cell['source'])
      for cell in notebook['cells']
      if cell['cell_type'] == kind
    ]

  def test_names_no_file_of_the_checkout(self):
    text = '\n'.join(self.cells('code'))
    for name in ('experiments/', 'tests/', '../', 'flsec/'):
      assert name not in text

  def test_was_executed_whole(self):
    notebook = json.loads(_NOTEBOOK.read_text(encoding='utf-8'))
    code = [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']
    counts = [cell['execution_count'] for cell in code]
    assert counts == list(range(1, len(code) + 1))
    outputs = [one for cell in code for one in cell['outputs']]
    assert not [one for one in outputs if one['output_type'] == 'error']
    assert any('image/png' in one.get('data', {}) for one in outputs)

  @pytest.mark.slow
  def test_runs_in_small(self, folder, monkeypatch):
    """Runs the code cells in an empty folder, with fewer rounds and seeds."""
    shown, namespace = [], {'display': lambda *values: shown.extend(values)}
    monkeypatch.setenv('FLSEC_DATA_DIR', str(folder / 'data'))
    for cell in self.cells('code'):
      first, _, rest = cell.partition('\n')
      if first.startswith('%%writefile '):
        (folder / first.split()[1]).write_text(rest, encoding='utf-8')
        continue
      lines = [line for line in cell.splitlines() if line[:1] != '%']
      code = '\n'.join(lines).replace('ROUNDS = 12', 'ROUNDS = 5')
      exec(
        compile(code.replace('JOBS = None', 'JOBS = 1'), '', 'exec'), namespace
      )
    assert type(shown[-1]).__name__ == 'Figure'
    assert len(namespace['swept']) == 9 and not namespace['swept'].failures


def slugs(page):
  """Returns the anchors of a page's headings, as GitHub makes them."""
  text = re.sub(r'^```.*?^```', '', page.read_text('utf-8'), flags=re.M | re.S)
  found = re.findall(r'^#+ (.*)$', text, re.MULTILINE)
  plain = [re.sub(r'[^\w\- ]', '', title.lower()) for title in found]
  return {title.replace(' ', '-') for title in plain}


@pytest.mark.parametrize('page', _PAGES, ids=lambda path: path.name)
def test_links_lead_to_headings_and_files(page):
  text = page.read_text(encoding='utf-8')
  for link, anchor in re.findall(r'\]\(([^)#:\s]*)(?:#([^)]*))?\)', text):
    target = (page.parent / link).resolve() if link else page
    assert target.exists(), link
    if anchor:
      assert anchor in slugs(target), f'{link}#{anchor}'


def test_every_page_is_linked_from_another():
  for page in (_ROOT / 'docs').glob('*.md'):
    others = (one for one in _PAGES if one != page)
    assert any(f'{page.name}' in one.read_text('utf-8') for one in others), page


@pytest.mark.slow
def test_the_study_of_the_examples_runs(folder, repository):
  spec = importlib.util.spec_from_file_location(
    'study', repository / 'examples' / 'study.py'
  )
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  found = module.study(rounds=2)
  assert set(found) == {'mean', 'median'}
  assert all(0 < value < 1 for value in found.values())
