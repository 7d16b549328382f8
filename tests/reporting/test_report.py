"""The page holds its pictures and the right numbers, and needs no more."""

import base64
import html.parser
import re
import struct

import pytest

from flsec.experiment import failure
from flsec.reporting import cell as cell_lib
from flsec.reporting import formats, report, run_tables


class _Page(html.parser.HTMLParser):
  """Collects what a page shows, and refuses tags that do not match."""

  _VOID = {'meta', 'img', 'br', 'link', 'hr'}

  def __init__(self, text):
    super().__init__()
    self.images, self.links, self.text, self.tables = [], [], [], []
    self._open = []
    self.feed(text)
    assert self._open == []
    self.text = ' '.join(' '.join(self.text).split())

  def handle_starttag(self, tag, attributes):
    attributes = dict(attributes)
    if tag == 'img':
      self.images.append((attributes['alt'], attributes['src']))
    if tag == 'a':
      self.links.append(attributes['href'])
    if tag == 'table':
      self.tables.append([])
    if tag == 'tr':
      self.tables[-1].append([])
    if tag in ('td', 'th'):
      self.tables[-1][-1].append('')
    if tag not in self._VOID:
      self._open.append(tag)

  def handle_endtag(self, tag):
    assert self._open.pop() == tag

  def handle_data(self, data):
    if 'style' in self._open:
      return
    self.text.append(data)
    if 'td' in self._open or 'th' in self._open:
      self.tables[-1][-1][-1] += data.strip()


def _png_size(source):
  prefix = 'data:image/png;base64,'
  assert source.startswith(prefix)
  data = base64.b64decode(source[len(prefix) :], validate=True)
  assert data[:8] == b'\x89PNG\r\n\x1a\n' and data[12:16] == b'IHDR'
  assert data[-8:-4] == b'IEND'
  return struct.unpack('>II', data[16:24])


@pytest.fixture(scope='module')
def run_page(run_path):
  path = report.write_report(run_path)
  assert path == run_path / 'report.html'
  return path.read_text(encoding='utf-8')


@pytest.fixture(scope='module')
def grid_page(grid_path):
  return report.write_report(grid_path).read_text(encoding='utf-8')


class TestRun:
  def test_pictures_are_inside(self, run_page):
    images = _Page(run_page).images
    assert [alt for alt, _ in images] == [
      'Accuracy and attack', 'Accuracy of each class', 'Update norms',
      'Selection', 'Time', 'Data of the clients',
    ]  # fmt: skip
    for _, source in images:
      width, height = _png_size(source)
      assert width > 500 and height > 250

  def test_numbers(self, run_page, run_path):
    found = cell_lib.read_cell(run_path).headline
    text = _Page(run_page).text
    for title, metric in (
      ('Test accuracy', 'test/accuracy'),
      ('Error rate', 'attack/error_rate'),
    ):
      assert (
        f'{title}, last round {found.last[metric]:.2%} '
        f'{found.attacked_mean[metric]:.2%} mean of 20 attacked rounds; '
        f'{found.before[metric]:.2%} before the attack'
      ) in text
    assert 'Units pruned 18 conv2d 6, dense 12' in text
    assert 'round 30 of 30' in text and 'seed 42' in text

  def test_settings_and_configuration(self, run_page, make):
    page = _Page(run_page)
    (rows,) = page.tables
    assert ['clients.epochs', '2', '1'] in rows
    assert 'partition: name: dirichlet' in page.text

  def test_nothing_is_loaded_from_elsewhere(self, run_page, grid_page):
    for page in (run_page, grid_page):
      assert not re.search(r'(src|href)="(https?:)?//', page)
      assert '<script' not in page and '@import' not in page

  def test_nothing_but_the_report_is_written(self, tmp_path, make):
    path = make.run(tmp_path / 'cell', metrics=make.rows(rounds=3))
    before = {p: p.read_bytes() for p in path.rglob('*') if p.is_file()}
    report.write_report(path)
    after = {p: p.read_bytes() for p in path.rglob('*') if p.is_file()}
    assert set(after) - set(before) == {path / 'report.html'}
    assert all(after[p] == data for p, data in before.items())

  def test_text_of_the_user_is_escaped(self, tmp_path, make):
    settings = make.config(description='<script>alert(1)</script>', name='a&b')
    page = report.write_report(make.run(tmp_path, settings)).read_text()
    assert '<script' not in page
    assert '&lt;script&gt;' in page and 'a&amp;b' in page

  def test_an_unfinished_run_says_so(self, tmp_path, make):
    path = make.run(tmp_path, metrics=make.rows(rounds=4), done=False)
    text = _Page(report.write_report(path).read_text()).text
    assert 'unfinished' in text and 'round 4 of 30' in text

  def test_a_run_without_rounds(self, tmp_path, make):
    path = make.run(tmp_path, metrics=[], done=False, labels=False)
    page = _Page(report.write_report(path).read_text())
    assert 'No round is finished yet' in page.text and page.images == []

  def test_a_report_can_be_written_again(self, run_path, run_page):
    again = report.write_report(run_path).read_text(encoding='utf-8')
    assert again == run_page


class TestComparison:
  def test_pictures(self, grid_page):
    images = _Page(grid_page).images
    over = '; median [least, greatest] of 2 seeds'
    assert [alt for alt, _ in images] == [
      f'Test accuracy, last round{over}',
      f'Test accuracy, mean of attacked rounds{over}',
      f'Error rate, last round{over}',
      f'Error rate, mean of attacked rounds{over}',
      'Test accuracy',
      'Error rate',
    ]
    assert all(_png_size(source)[0] > 1000 for _, source in images)

  def test_tables(self, grid_page, grid_path):
    shown = _Page(grid_page).tables
    cells = cell_lib.find_cells(grid_path)
    _, *grids = run_tables.sweep_tables(cells)
    for table, page in zip(grids, shown):
      heads, names, *rows = page
      assert heads[0] == '' and heads[-1] == 'worst'
      assert names == [column.name for column in table.columns]
      assert rows == [
        [formats.entry_text(one) for one in r] for r in table.rows
      ]
    assert len(shown[-1]) == 2 + 32

  def test_finished_runs_are_counted_and_reports_linked(self, tmp_path, make):
    for seed, rounds, done in ((1, 3, True), (2, 2, False)):
      make.run(
        tmp_path / f'attack=a,seed={seed}',
        make.config(seed=seed),
        make.rows(seed, rounds=rounds),
        done=done,
      )
    report.write_report(tmp_path / 'attack=a,seed=1')
    page = _Page(report.write_report(tmp_path).read_text())
    assert '1 of 2 runs are finished' in page.text
    assert page.links == ['attack%3Da%2Cseed%3D1/report.html']
    (runs,) = page.tables
    assert [row[1] for row in runs[2:]] == ['done', 'round 2']


class TestFailed:
  def test_a_run_and_the_comparison_say_why(self, tmp_path, make):
    for seed in (1, 2):
      path = make.run(
        tmp_path / f'seed={seed}', make.config(seed=seed),
        make.rows(seed, rounds=3), done=seed == 1,
      )  # fmt: skip
    failure.note_of_the_dead(path, 'ended by signal 9')
    text = _Page(report.write_report(tmp_path).read_text()).text
    assert 'seed=2 failed: ended by signal 9' in text
    text = _Page(report.write_report(path).read_text()).text
    assert 'quickstart failed' in text and 'ended by signal 9' in text


class TestRefusals:
  def test_a_folder_without_runs(self, tmp_path):
    with pytest.raises(ValueError, match='holds no run'):
      report.write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []

  def test_damaged_metrics(self, tmp_path, make):
    path = make.run(tmp_path)
    with open(path / 'metrics.jsonl', 'a') as file:
      file.write('nonsense\n')
    with pytest.raises(ValueError, match='line 31 is not a row'):
      report.write_report(path)
