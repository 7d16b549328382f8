import pytest
from made_up_papers import run, write

from flsec import main
from flsec.catalogue import papers
from flsec.commands import run as run_command
from flsec.experiment import checkout


@pytest.fixture
def reproduce(capsys, monkeypatch, tmp_path):
  """Runs the command on a made-up paper, whose runs are made up, too."""
  write(tmp_path / 'experiments')
  (tmp_path / 'docs').mkdir()
  monkeypatch.chdir(tmp_path)
  monkeypatch.setattr(checkout, 'commit', lambda: 'c0ffee')
  ran = []

  def run_cells(cells, flag_values):
    del flag_values
    ran.append([cell.name for cell in cells])
    run(cells, tmp_path / 'runs' / cells[0].experiment.name)
    return 0

  monkeypatch.setattr(run_command, 'run_cells', run_cells)

  def called(*arguments):
    with pytest.raises(SystemExit) as ended:
      main.run_app(['flsec', 'reproduce', *arguments])
    return ended.value.code, capsys.readouterr(), ran

  return called


def test_ours_stand_beside_the_print(reproduce):
  code, said, ran = reproduce('mine', '1', '--size=small')
  assert code == 0
  assert ran == [
    [
      'rule=mean,attack=none,seed=1',
      'rule=mean,attack=flip,seed=1',
      'rule=median,attack=none,seed=1',
      'rule=median,attack=flip,seed=1',
    ]
  ]
  (line,) = (
    line for line in said.out.splitlines() if 'mean' in line and 'loss' in line
  )
  assert '9.5 points' in line and '10, n = 1' in line and 'within' in line
  # Printed 40, below the attack-free 50 and above the mean's 10, as ours is.
  assert 'same order (2 of 2 neighbours) (print: a misprint)' in said.out


def test_the_full_size_takes_the_papers_seeds(reproduce):
  _, _, ran = reproduce('mine', 'table1')
  assert len(ran[0]) == 8 and ran[0][1].endswith('seed=2')
  _, _, ran = reproduce('mine', 'table1', '--sweep=seed=[7]')
  assert len(ran[1]) == 4 and ran[1][0].endswith('seed=7')


def test_a_picture_shows_ours_alone(reproduce):
  code, said, ran = reproduce('mine', 'figure1', '--size=small')
  assert code == 0 and len(ran[0]) == 2
  assert 'mean' in said.out and '85' in said.out


def test_norun_shows_what_is_done(reproduce):
  code, said, ran = reproduce('mine', 'table1', '--norun', '--size=small')
  assert code == 0 and not ran and 'Nothing of it is done yet' in said.out


def test_record_keeps_the_numbers_and_writes_the_page(reproduce, tmp_path):
  code, _, _ = reproduce('mine', 'table1', '--size=small', '--record')
  assert code == 0
  entry = papers.read(tmp_path / 'experiments')['mine'].entries['table1']
  assert len(entry.results.read_text().splitlines()) == 1 + 5
  page = (tmp_path / 'docs' / 'reproduction.md').read_text()
  assert '5 printed numbers have ours beside them' in page


def test_recorded_numbers_name_the_commit(reproduce, tmp_path, monkeypatch):
  reproduce('mine', 'table1', '--size=small', '--record')
  entry = papers.read(tmp_path / 'experiments')['mine'].entries['table1']
  lines = entry.results.read_text().splitlines()
  assert {line.rpartition(',')[2] for line in lines} == {'commit', 'c0ffee'}
  monkeypatch.setattr(checkout, 'commit', lambda: '')
  _, said, _ = reproduce('mine', '1', '--record', '--sweep=seed=[4]')
  assert '4 of the runs name no commit' in said.out
  assert entry.results.read_text().splitlines()[-1].endswith(',')


def test_what_is_not_committed_is_not_run_for_the_record(
  reproduce, monkeypatch
):
  monkeypatch.setattr(checkout, 'commit', lambda: 'c0ffee-changed')
  code, said, ran = reproduce('mine', '1', '--size=small', '--record')
  assert code == 2 and not ran and 'Commit first' in said.err
  # Without the record it runs, and what was run then says so.
  assert reproduce('mine', '1', '--size=small')[0] == 0
  code, said, _ = reproduce('mine', '1', '--size=small', '--record', '--norun')
  assert code == 2 and 'c0ffee-changed' in said.err


def test_a_part_of_a_table_is_recorded(reproduce, tmp_path):
  code, _, ran = reproduce(
    'mine', '1', '--record', '--sweep=rule=[median]', '--sweep=seed=[4]'
  )
  assert code == 0 and len(ran[0]) == 2
  entry = papers.read(tmp_path / 'experiments')['mine'].entries['table1']
  assert len(entry.results.read_text().splitlines()) == 1 + 2


def test_there_is_no_recording_outside_a_checkout(reproduce, tmp_path):
  (tmp_path / 'docs').rmdir()
  code, said, ran = reproduce('mine', '1', '--record')
  assert code == 2 and not ran and 'experiments of a checkout' in said.err


@pytest.mark.parametrize(
  'arguments, message',
  [
    (['mine'], 'takes a paper and a table or figure'),
    (['yours', '1'], "there is no paper 'yours'"),
    (['mine', '7'], "mine has no '7'"),
    (['mine', 'figure2'], 'no experiment makes Figure 2 of mine yet'),
    (['mine', '1', '--config=x.yaml'], 'the table names it'),
    (['mine', '1', '--record', '--set=rounds=3'], 'so that it is not recorded'),
    (['mine', '1', '--record', '--sweep=rounds=[3]'], 'is no cell of'),
    (
      [
        'mine',
        '1',
        '--record',
        '--sweep=rule={mean: {server.aggregator: median}}',
      ],
      'rule=mean,attack=none,seed=1 is no cell of',
    ),
    (['mine', '1', '--size=smal'], "did you mean 'small'"),
    (
      ['mine', 'figure1', '--sweep=attack=[none]'],
      'none of these cells belongs to Figure 1',
    ),
  ],
)
def test_refusals(reproduce, arguments, message):
  code, said, ran = reproduce(*arguments)
  assert code == 2 and not ran
  assert message in said.err and 'Traceback' not in said.err
