import pytest

from flsec import main
from flsec.config import loading, yaml_file

_REFERENCE = """
environment: {num_clients: 10, num_selected_clients: 10, experiment_name: x,
              num_malicious_clients: 0, save_history: true}
server: {num_rounds: 2, num_test_batches: -1, aggregator: {name: FedAvg},
         global_learning_rate: -1}
client: {model_name: lenet5_mnist, benign_training: {num_epochs: 1,
         batch_size: 8, learning_rate: 0.01}}
dataset: {dataset: mnist, data_distribution: IID}
"""


@pytest.fixture
def convert(tmp_path, capsys):
  path = tmp_path / 'reference.yml'
  path.write_text(_REFERENCE)

  def converted(*arguments):
    with pytest.raises(SystemExit) as ended:
      main.run_app(['flsec', 'convert', str(path), *arguments])
    return ended.value.code or 0, *capsys.readouterr()

  return converted


def test_console_gets_yaml_that_loads(convert):
  code, text, notes = convert()
  assert code == 0
  experiment = loading.from_mapping(yaml_file.parse(text, ''))
  assert (experiment.name, experiment.rounds) == ('x', 2)
  assert 'environment.save_history' in notes


def test_losses_are_comments_of_the_file_too(convert, tmp_path):
  path = tmp_path / 'ours.yaml'
  code, text, _ = convert('-o', str(path))
  assert code == 0 and text == ''
  assert '# - environment.save_history' in path.read_text()
  assert loading.load(str(path)).clients.num_clients == 10


def test_existing_file_is_kept(convert, tmp_path):
  path = tmp_path / 'ours.yaml'
  path.write_text('mine')
  code, _, error = convert(f'--output={path}')
  assert code == 2 and 'is there already' in error
  assert path.read_text() == 'mine'
