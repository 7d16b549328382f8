"""What users bring is honoured, or refused in one line with nothing written."""

import json
import pathlib

import numpy as np
import pytest
import yaml

from flsec import main, registry
from flsec.runtime import threads

_PLUGIN = pathlib.Path(__file__).with_name('own_components.py')
_RAW = {
  'name': 'own',
  'rounds': 2,
  'dataset': {'name': 'features'},
  'model': 'plain',
  'clients': {
    'num_clients': 4,
    'batch_size': 5,
    'optimizer': {'learning_rate': 0.1},
  },
  'server': {'aggregator': 'median'},
}


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
  """`run('model=set') -> (exit code, stderr, its folder)`."""
  monkeypatch.setattr(registry, '_plugins', [])
  monkeypatch.setattr(threads, 'configure', lambda number: None)
  monkeypatch.chdir(tmp_path)
  config = tmp_path / 'own.yaml'
  config.write_text(yaml.safe_dump(_RAW))

  def called(*sets, flags=()):
    words = [f'--config={config}', f'--plugin={_PLUGIN}']
    words += [f'--set={one}' for one in sets]
    with pytest.raises(SystemExit) as ended:
      main.run_app(['flsec', 'run', *words, *flags])
    cells = list((tmp_path / 'runs').rglob('config.yaml'))
    folder = cells[0].parent if cells else None
    return ended.value.code or 0, capsys.readouterr().err, folder

  return called


def refused(found, message, tmp_path):
  code, error, _ = found
  assert code == main.EXIT_ERROR
  lines = error.strip().splitlines()
  told = [line for line in lines if line.startswith('flsec: error: ')]
  assert len(told) == 1 and 'Traceback' not in error
  assert message in told[0]
  assert lines[lines.index(told[0]) + 1 :] in ([], [main._DEBUG_HINT])
  assert not (tmp_path / 'runs').exists()


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (
      'dataset.name=text',
      "in _dataset: Data set 'text': the training "
      "labels are text (['0'] in row 0). Number the classes",
    ),
    ('dataset.name=hole', 'examples hold nan in row 7, at [2]'),
    ('dataset.name=no_file', 'absent_file.npy: No such file'),
    ('dataset.name=wrong_code', "in wrong_code: KeyError: 'classes'"),
    ('dataset.name=no_dataset', 'has to return a flsec.data.Dataset'),
    ('model=softmax', 'ends in softmax'),
    ('model=two_inputs', 'has 2 input tensors'),
    (
      'model=too_many_dimensions',
      'in too_many_dimensions: ValueError: Input 0',
    ),
    (
      'model=other_shape',
      "Model 'other_shape' maps examples (7,) to 3 logits; those of data set "
      "'features' are (6,), in 3 classes",
    ),
    ('model=other_classes', 'to 4 logits'),
    ('model=unflattened', 'puts out (None, 2, 3); a classifier'),
    ('model=nothing', 'Expected a tf.keras.Model; got NoneType'),
    (
      'server.aggregator=misshapen',
      "Rule 'misshapen' returns an update of shape (3,)",
    ),
    ('server.aggregator=misnamed', 'takes 1 positional argument but 3 were'),
    ('server.aggregator=no_rule', "'no_rule' is a function"),
    ('attack={name: faulty, num_byzantine: 1}', 'own_components.py, line'),
    ('clients.num_clients=100', '100'),
    ('dataset.num_train=61', '61 examples asked for'),
    ('dataset.partition={name: k_label, num_labels: 9}', '9'),
  ],
)
def test_refused_in_one_line(run, tmp_path, change, message):
  refused(run(change), message, tmp_path)


def test_debug_shows_where_it_was_raised(run):
  with pytest.raises(ValueError, match='labels are text'):
    run('dataset.name=text', flags=['--debug'])


def weights_after(folder, round_number):
  path = folder / 'checkpoints' / f'round_{round_number:06d}.npz'
  with np.load(path) as archive:
    manifest = json.loads(archive['manifest'].tobytes())
    return archive[f'leaf_{manifest["paths"].index(["state", "weights"]):05d}']


def rows(folder):
  text = (folder / 'metrics.jsonl').read_text()
  return [json.loads(line) for line in text.splitlines()]


def test_training_starts_at_weights_that_were_set(run):
  code, _, folder = run(
    'model=set', 'clients.optimizer.learning_rate=1e-30', 'rounds=1'
  )
  assert code == 0
  np.testing.assert_allclose(
    weights_after(folder, 1), np.full(6 * 5 + 5 + 5 * 3 + 3, 0.25)
  )
  # All logits are equal: ln 3 nats.
  assert rows(folder)[0]['test/loss'] == pytest.approx(np.log(3), rel=1e-5)


def test_frozen_weights_stay_under_attack_and_are_saved(run):
  code, _, folder = run(
    'model=frozen',
    'attack={name: gaussian_noise, num_byzantine: 1}',
    'server.aggregator=mean',
  )
  assert code == 0
  first, last = weights_after(folder, 1), weights_after(folder, 2)
  assert len(first) == 6 * 5 + 5 + 5 * 3 + 3
  np.testing.assert_array_equal(first[:35], last[:35])
  assert np.any(first[:30]) and np.all(first[35:] != last[35:])
  # The same seed draws them again.
  other = run('model=frozen', 'rounds=1', flags=['--output_dir=again'])
  assert other[0] == 0
  np.testing.assert_array_equal(
    weights_after(next(pathlib.Path('again').rglob('config.yaml')).parent, 1)[
      :35
    ],
    first[:35],
  )


def test_a_run_of_a_frozen_model_goes_on_where_it_was(run):
  run('model=frozen', 'rounds=2', flags=['--output_dir=whole'])
  whole = next(pathlib.Path('whole').rglob('config.yaml')).parent
  want = weights_after(whole, 2)
  (whole / 'DONE').unlink()
  (whole / 'checkpoints' / 'round_000002.npz').unlink()
  assert run('model=frozen', 'rounds=2', flags=['--output_dir=whole'])[0] == 0
  np.testing.assert_array_equal(weights_after(whole, 2), want)


def test_regularisers_count_in_the_loss(run):
  code, _, folder = run(
    'model=decayed', 'clients.optimizer.learning_rate=1e-6', 'rounds=1'
  )
  assert code == 0
  kernel = weights_after(folder, 1)[35:50].astype(np.float64)
  loss = rows(folder)[0]['train/loss']
  # Steps of 1e-6 * 2000 w shrink the kernel by 0.2 % each.
  assert loss == pytest.approx(1e3 * np.square(kernel).sum(), rel=0.05)


def test_an_edited_plugin_or_data_file_is_no_finished_cell(
  run, tmp_path, monkeypatch
):
  plugin = tmp_path / 'own_components.py'
  source = _PLUGIN.read_text() + (
    "@registry.dataset('table')\n"
    'def table(data_dir: str) -> Dataset:\n'
    "  x = np.loadtxt('table.txt')\n"
    "  return Dataset('table', x, [0, 1, 2] * 2, x, [0, 1, 2] * 2, 3)\n"
  )
  plugin.write_text(source)
  monkeypatch.setattr(f'{__name__}._PLUGIN', plugin)
  table = tmp_path / 'table.txt'
  np.savetxt(table, np.eye(6))
  change = 'dataset.name=table'
  code, _, folder = run(change, 'rounds=1')
  assert code == 0
  summary = json.loads((folder / 'summary.json').read_text())
  (file,) = summary['data']['files']
  assert (file['path'], file['bytes']) == (str(table), table.stat().st_size)
  before = {path: path.read_bytes() for path in folder.rglob('*.json*')}
  assert run(change, 'rounds=1')[0] == 0  # Done already.

  plugin.write_text(source + '# an edit\n')
  code, error, _ = run(change, 'rounds=1')
  assert code == main.EXIT_ERROR
  assert 'another text of own_components.py' in error
  plugin.write_text(source)

  np.savetxt(table, 2 * np.eye(6))
  code, error, _ = run(change, 'rounds=1')
  assert code == main.EXIT_ERROR
  assert 'table.txt has another checksum' in error
  assert before == {path: path.read_bytes() for path in folder.rglob('*.json*')}

  (folder / 'DONE').unlink()
  code, error, _ = run(change, 'rounds=1')
  assert code == main.EXIT_ERROR and 'cannot go on' in error
