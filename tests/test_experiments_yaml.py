"""Every shipped experiment can be read, checked, and written back."""

import pathlib
import re

import pytest

from flsec.catalogue import outline
from flsec.config import dump, loading, yaml_file

_FOLDER = pathlib.Path(__file__).resolve().parent.parent / 'experiments'
# A catalogue says what there is of a paper, and is no experiment.
_FILES = sorted(
  path for path in _FOLDER.rglob('*.yaml') if path.name != 'catalogue.yaml'
)


def _name(path):
  return str(path.relative_to(_FOLDER))


@pytest.fixture(params=_FILES, ids=_name)
def path(request) -> pathlib.Path:
  return request.param


def test_there_are_some():
  assert 'quickstart.yaml' in map(_name, _FILES)


def _covering(cells):
  """Returns cells in which every choice of every axis occurs."""
  seen, chosen = set(), []
  for cell in cells:
    if not chosen or set(cell.labels.items()) - seen:
      chosen.append(cell)
      seen |= set(cell.labels.items())
  return chosen


def test_is_valid_and_loads_back_equal(path):
  for cell in _covering(loading.load_cells(str(path))):
    text = dump.to_yaml(cell.experiment)
    again = loading.from_mapping(yaml_file.parse(text, ''))
    assert again == cell.experiment


def test_can_be_shrunk(path):
  # An axis of its own: --set is refused where cases differ in their rounds.
  for cell in loading.load_cells(str(path), sweeps=['rounds=[2]']):
    assert cell.experiment.rounds == 2


def test_every_size_is_valid_and_apart_from_the_others(path):
  full = outline.outline(path, 'full', {}).cells
  names = {yaml_file.read(str(path))['name']}
  for size in outline.sizes_of(path)[1:]:
    cells = loading.load_cells(str(path), size=size)
    assert len(cells) <= full
    assert cells[0].experiment.name not in names
    names.add(cells[0].experiment.name)


def test_explains_itself(path):
  text = path.read_text(encoding='utf-8')
  assert text.startswith('# '), 'say first what is shown, and from which paper'
  assert yaml_file.read(str(path))['description']
  assert max(map(len, text.splitlines())) <= 100


def test_every_command_in_a_comment_names_a_shipped_file(path):
  text = path.read_text(encoding='utf-8')
  for name in re.findall(r'EXP=(\S+)', text):
    assert (_FOLDER / f'{name}.yaml').is_file()


def test_names_are_unique():
  names = [yaml_file.read(str(path))['name'] for path in _FILES]
  assert len(set(names)) == len(names)


class TestSettings:
  """Numbers that the experiments are known for."""

  def test_quickstart(self):
    quickstart = loading.load(str(_FOLDER / 'quickstart.yaml'))
    assert quickstart.dataset.name == 'digits'
    assert quickstart.clients.num_clients == 20
    assert quickstart.attack.num_byzantine == 4
    assert quickstart.attack.start_round == 6
    assert quickstart.server.aggregator.options['num_byzantine'] == 4

  @pytest.mark.parametrize('name', ['lenet5_mnist', 'mlp_mnist'])
  def test_flap(self, name):
    flap = loading.load(str(_FOLDER / 'flap' / f'{name}.yaml'))
    clients, attack = flap.clients, flap.attack
    assert (flap.rounds, clients.num_clients, clients.epochs) == (30, 80, 2)
    assert (clients.batch_size, clients.optimizer.name) == (24, 'adam')
    assert clients.optimizer.learning_rate == 0.001
    assert (attack.num_byzantine, attack.start_round) == (16, 21)
    assert attack.options == {'source_label': 1, 'target_label': 7}
    assert flap.server.aggregator.options['num_byzantine'] == 16
    pruning = flap.pruning.options
    assert (pruning['start_round'], pruning['every']) == (1, 5)
    assert pruning['fraction'] == 0.01


class TestFederatedPruning:
  @pytest.mark.parametrize('name', ['mnist', 'fashion_mnist'])
  def test_the_attacker_holds_nines_and_trains_them_clean_and_stamped(
    self, name
  ):
    path = _FOLDER / 'federated_pruning' / f'{name}.yaml'
    attack = loading.load(str(path)).attack
    assert attack.placement == 'holders'
    inner = attack.options['attack']
    assert (inner['source_label'], inner['poison_fraction']) == (9, 0.5)

  def test_distributed_attackers_poison_what_they_have(self):
    path = _FOLDER / 'federated_pruning' / 'cifar10_dba.yaml'
    options = loading.load(str(path)).attack.options
    assert options['victim_label'] == 9 and options['poison_fraction'] == 0.5
    assert options['source_label'] is None


_FEDER = sorted(
  path
  for path in (_FOLDER / 'feder').glob('*.yaml')
  if path.name != 'catalogue.yaml'
)


class TestFeder:
  @pytest.mark.parametrize('path', _FEDER, ids=lambda path: path.stem)
  def test_the_same_data_whatever_the_rule_and_the_attack(self, path):
    cells = [cell.experiment for cell in loading.load_cells(str(path))]
    by_data = {}
    for one in cells:
      data = (one.dataset.name, one.dataset.partition.options['degree'])
      by_data.setdefault(data, []).append((one.dataset, one.clients))
    for given in by_data.values():
      assert all(one == given[0] for one in given)
    assert len({one.seed for one in cells}) == 1

  @pytest.mark.parametrize('path', _FEDER, ids=lambda path: path.stem)
  def test_the_paper_s_setting(self, path):
    # Table 2. A share of 0.3 is malicious but in Figures 3 and 4.
    for cell in loading.load_cells(str(path)):
      given, dataset = cell.experiment, cell.experiment.dataset
      clients, attack = given.clients, given.attack
      is_cifar = dataset.name == 'cifar10'
      steps = (8, 64) if is_cifar else (1, 32)
      assert (clients.steps, clients.batch_size) == steps
      assert clients.sampling == 'independent'
      assert clients.optimizer.learning_rate == 1.0
      for held in (dataset.root, dataset.validation):
        assert (held.size, held.source, held.balanced) == (100, 'train', True)
      rates = {'mnist': 0.1, 'fashion_mnist': 0.2, 'cifar10': 0.2}
      levels = {'mnist': 0.9, 'fashion_mnist': 0.8, 'cifar10': 0.7}
      assert given.server.learning_rate == rates[dataset.name]
      assert given.evaluation.critical_accuracy == levels[dataset.name]
      assert clients.num_clients == 100
      assert given.rounds == (1500 if is_cifar else 2500)
      if attack and path.stem not in ('figure3', 'figure4'):
        assert attack.num_byzantine == 30
