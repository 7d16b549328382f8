import pytest

from flsec import main, registry
from flsec.catalogue import papers


@pytest.fixture
def listed(capsys):
  def called(*arguments):
    with pytest.raises(SystemExit) as ended:
      main.run_app(['flsec', 'list', *arguments])
    assert not ended.value.code
    return capsys.readouterr().out

  return called


def test_everything(listed):
  text = listed()
  for kind, (_, word) in registry.KINDS.items():
    names = registry.entries(kind)
    assert (f'{word} ({len(names)})\n' in text) == bool(names)
    for name, entry in names.items():
      assert f'\n  {name}\n' in text
      assert entry.summary.split()[0] in text


@pytest.mark.parametrize('word', ['models', 'model'])
def test_one_kind_by_either_word(listed, word):
  text = listed(word)
  assert text.startswith('models (') and 'attacks' not in text


def test_one_component_with_options_defaults_and_paper(listed):
  text = listed('label_flip')
  assert 'options: source_label=1, target_label=7\n' in text
  assert 'paper: Tolpegin et al., ESORICS 2020' in text
  assert 'attacks (1)' in text


def test_required_option_and_its_type(listed):
  assert 'alpha: float (required)' in listed('dirichlet')


def test_several_words(listed):
  text = listed('krum', 'partitions')
  assert '  krum\n' in text and '  iid\n' in text and '  mean\n' not in text


def test_kind_with_nothing_in_it(listed, monkeypatch):
  monkeypatch.setattr(registry, 'entries', lambda kind: {})
  assert listed('phases') == 'phases (0)\n\n'
  assert listed() == ''


class TestDatasets:
  def test_embedded_one_is_present(self, listed):
    assert 'present: comes with an installed package' in listed('digits')

  def test_absent_one_says_where_it_was_looked_for(
    self, listed, tmp_path, monkeypatch
  ):
    monkeypatch.setenv('KERAS_HOME', str(tmp_path / 'keras'))
    text = listed('mnist', f'--data_dir={tmp_path}')
    assert 'absent: looked for' in text
    assert f'{tmp_path}/mnist.npz' in text

  def test_present_one_says_where_it_is(self, listed, tmp_path):
    (tmp_path / 'mnist.npz').write_bytes(b'')
    text = listed('mnist', f'--data_dir={tmp_path}')
    # A long path has a line of its own.
    assert f'present: {tmp_path}/mnist.npz' in ' '.join(text.split())


def test_plugin(listed, tmp_path, monkeypatch):
  monkeypatch.setattr(registry, '_plugins', [])
  (tmp_path / 'mine.py').write_text(
    'from flsec import registry\n'
    '@registry.attack("mine", paper="Me, 2030")\n'
    'def mine(*, a: float = math.pi, b: bool = True, c: str = "x",\n'
    '         d: Optional[int] = None, e: tuple = (1, 2)):\n'
    '  """Does what I want."""\n'
  )
  text = listed('mine', f'--plugin={tmp_path}/mine.py')
  assert 'Does what I want.' in text and 'paper: Me, 2030' in text
  assert "options: a=math.pi, b=true, c='x', d=null, e=[1, 2]" in text


class TestExperiments:
  def test_every_table_with_its_sizes_its_numbers_and_what_is_missing(
    self, listed
  ):
    text = ' '.join(listed('experiments').split())
    for name, entry in (
      (f'{paper.name}: {paper.title}', entry)
      for paper in papers.read(papers.folder()).values()
      for entry in paper.entries.values()
    ):
      assert name in text and f'{entry.where}: {entry.title}' in text
    # 78 cells in two measures.
    assert 'printed: 156 values, experiments/flap/printed/table1.csv' in text
    assert (
      'full: 78 cells x 30 rounds x 80 clients; mnist: 78 cells x 30 rounds x '
      '80 clients; small: 24 cells x 20 rounds'
    ) in text
    assert "missing: the authors' features of CIFAR-10 (scripts" in text
    assert 'printed: picture only' in text

  def test_some_papers(self, listed):
    text = listed('experiments', 'flap')
    assert text.startswith('flap: FLAP (Meng') and 'AGRAMPLIFIER' not in text

  def test_unknown_paper(self, capsys):
    with pytest.raises(SystemExit) as ended:
      main.run_app(['flsec', 'list', 'experiments', 'flp'])
    assert ended.value.code == 2
    assert "no paper 'flp'; did you mean 'flap'" in capsys.readouterr().err
