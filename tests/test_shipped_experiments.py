"""Every shipped experiment runs: for two rounds, on stand-ins for its data.

The files themselves are read by tests/data; here random examples of the same
shape, type and classes take their place, so that nothing has to be there, and
rounds, batches, server-held sets and the widest perceptrons are cut. Clients,
rules, attacks, pruners and all other models are those of the YAML.
"""

import dataclasses
import math
import pathlib

import numpy as np
import pytest
import yaml

from flsec.config import loading, sizes
from flsec.data.dataset import Dataset

_FOLDER = pathlib.Path(__file__).resolve().parent.parent / 'experiments'
_NAMES = sorted(
  str(path.relative_to(_FOLDER).with_suffix(''))
  for path in _FOLDER.rglob('*.yaml')
  if path.name != 'catalogue.yaml'
)
# A round of these takes longer than a few seconds even so.
_HEAVY = (
  'federated_pruning/adaptive',
  'federated_pruning/cifar10_dba',
  'federated_pruning/figure4',
  'federated_pruning/figure5',
  'federated_pruning/figure7',
  'federated_pruning/table1',
  'federated_pruning/table2',
  'federated_pruning/table4',
  'federated_pruning/table5',
  'federated_pruning/table6',
  'feder/figure3',
  'feder/figure4',
  'feder/table1',
  'feder/table3',
  'feder/table4',
  'feder/table5',
  'flap/mlp_femnist',
  'agramplifier/figure10',
  'agramplifier/figure11',
  'flap/figure2',
  'flap/table1',
  'hybrid_sparse/table5',
  'hybrid_sparse/table6',
)
# Name -> shape of an example, number of classes.
_STAND_INS = {
  'cifar10': ((32, 32, 3), 10),
  'digits': ((28, 28, 1), 10),
  'fashion_mnist': ((28, 28, 1), 10),
  'femnist': ((28, 28, 1), 10),
  'location30': ((446,), 30),
  'mnist': ((28, 28, 1), 10),
  'npz': ((64,), 10),
  'purchase100': ((600,), 100),
  'texas100': ((6169,), 100),
}
_NUM_TRAIN, _NUM_TEST, _NUM_WRITERS = 1600, 400, 100


def _stand_in(name, data_dir=None, **options):
  """Returns random examples in the place of a data set."""
  del data_dir, options
  shape, classes = _STAND_INS[name]
  rng = np.random.default_rng(0)
  is_image = len(shape) == 3
  x = rng.integers(
    0, 256 if is_image else 2, (_NUM_TRAIN + _NUM_TEST, *shape), np.uint8
  )
  y = np.arange(len(x), dtype=np.int32) % classes
  return Dataset(
    name,
    x[:_NUM_TRAIN],
    y[:_NUM_TRAIN],
    x[_NUM_TRAIN:],
    y[_NUM_TRAIN:],
    classes,
    scale=1 / 255 if is_image else 1.0,
    writers=np.arange(_NUM_TRAIN, dtype=np.int32) // classes % _NUM_WRITERS,
  )


def _shrunk(experiment):
  """Returns the same experiment, two rounds of one small batch."""
  attack = experiment.attack
  if attack is not None:
    options = dict(attack.options)
    if attack.name == 'hybrid_sparse':
      options['num_iterations'] = 2
    attack = dataclasses.replace(
      attack, start_round=1, stop_round=None, options=options
    )
    if attack.training is not None:
      own = dataclasses.replace(attack.training, num_poisoned=2)
      attack = dataclasses.replace(attack, training=own)
  few = {
    name: given and dataclasses.replace(given, size=20)
    for name, given in (
      ('root', experiment.dataset.root),
      ('validation', experiment.dataset.validation),
    )
  }
  model = experiment.model
  if model.options.get('hidden', ()) and max(model.options['hidden']) > 512:
    model = dataclasses.replace(
      model, options={**model.options, 'hidden': [32]}
    )
  server = experiment.server
  training = dataclasses.replace(server.root_training, steps=1, batch_size=None)
  return dataclasses.replace(
    experiment,
    server=dataclasses.replace(server, root_training=training),
    rounds=2,
    model=model,
    dataset=dataclasses.replace(experiment.dataset, num_train=None, **few),
    clients=dataclasses.replace(experiment.clients, steps=1, batch_size=4),
    attack=attack,
    evaluation=dataclasses.replace(experiment.evaluation, every=2),
  )


def _cells(name, size='full'):
  return loading.load_cells(str(_FOLDER / f'{name}.yaml'), size=size)


def _sizes(name):
  path = _FOLDER / f'{name}.yaml'
  return sizes.names(yaml.safe_load(path.read_text()), str(path))


def _covering(cells):
  """Returns cells in which every rule and every attack occurs."""
  seen, chosen = set(), []
  for cell in cells:
    parts = {
      repr(getattr(cell.experiment, section))
      for section in ('server', 'attack', 'pruning')
    }
    if len(parts - seen) > 1 or not chosen:
      chosen.append(cell)
      seen |= parts
  for cell in cells:
    parts = {repr(cell.experiment.server), repr(cell.experiment.attack)}
    if parts - seen:
      chosen.append(cell)
      seen |= parts
  return chosen


@pytest.fixture
def run(monkeypatch, tmp_path):
  """Runs a cell, shrunk, and returns its summary."""
  from flsec.experiment import loop, preflight

  monkeypatch.setattr('flsec.data.load', _stand_in)

  def run_cell(cell, number=0):
    experiment = _shrunk(cell.experiment)
    preflight.check_components(experiment)
    directory = tmp_path / str(number)
    result = loop.run_cell(
      experiment, directory=directory, data_dir=str(tmp_path / 'nowhere')
    )
    assert (directory / 'DONE').exists()
    return result

  return run_cell


def _check(result, experiment):
  final, attack = result['final'], experiment.attack
  phases = [one.name for one in experiment.phases]
  trained = result['phases'][0]['rounds'] if len(phases) > 1 else None
  assert (trained or result['rounds']) == 2
  if trained:
    assert [line['name'] for line in result['phases']] == phases
  assert 0 <= final['test/accuracy'] <= 1
  assert math.isfinite(final['test/loss'])
  if attack is not None:
    # Of rounds: what later phases search has no clients of its own.
    assert result['attacked_rounds'] == result['rounds']
    malicious = result['attacked_mean']['clients/malicious']
    if experiment.clients.selection == 'all':
      assert malicious == attack.num_byzantine
    else:
      assert 0 <= malicious <= attack.num_byzantine


@pytest.mark.parametrize(
  'name',
  [
    pytest.param(name, marks=pytest.mark.slow if name in _HEAVY else ())
    for name in _NAMES
  ],
)
def test_last_cell_runs_for_two_rounds(name, run):
  cell = _cells(name)[-1]
  _check(run(cell), cell.experiment)


@pytest.mark.parametrize('name', _NAMES)
def test_every_rule_and_attack_fits_together(name):
  from flsec.experiment import preflight

  for cell in _covering(_cells(name)):
    preflight.check_components(cell.experiment)


@pytest.mark.slow
@pytest.mark.parametrize('name', _NAMES)
def test_every_cell_fits_together(name):
  from flsec.experiment import preflight

  for size in _sizes(name):
    for cell in _cells(name, size):
      preflight.check_components(cell.experiment)


@pytest.mark.slow
@pytest.mark.parametrize('name', _NAMES)
def test_every_rule_and_attack_runs_for_two_rounds(name, run):
  for number, cell in enumerate(_covering(_cells(name))):
    _check(run(cell, number), cell.experiment)


def test_covering_cells_hold_every_rule_and_attack():
  cells = _cells('agramplifier/table1')
  chosen = _covering(cells)
  assert len(chosen) < len(cells)
  for section in ('server', 'attack'):
    values = {repr(getattr(cell.experiment, section)) for cell in cells}
    found = {repr(getattr(cell.experiment, section)) for cell in chosen}
    assert found == values


def test_stand_ins_are_there_for_every_data_set_in_use():
  used = {
    cell.experiment.dataset.name for name in _NAMES for cell in _cells(name)
  }
  assert used <= set(_STAND_INS)


@pytest.mark.slow
@pytest.mark.parametrize('name', _NAMES)
def test_full_size_can_be_put_together_from_the_real_files(name, data_dir):
  from flsec import data
  from flsec.data import locate
  from flsec.experiment import assembly

  experiment = _cells(name)[0].experiment
  config, num_clients = experiment.dataset, experiment.clients.num_clients
  if not locate.locate(config.name, data_dir).is_present:
    pytest.skip(f'needs the files of {config.name}, which {data_dir} has not')
  dataset = data.load(config.name, data_dir)
  if (config.num_train or 0) > len(dataset.y_train):
    pytest.skip(f'{data_dir} holds only a part of {config.name}')
  if config.partition.name == 'by_writer':
    writers = len(np.unique(dataset.writers))
    if writers < num_clients:
      pytest.skip(f'{data_dir} holds {writers} writers of {config.name} only')
  federation = assembly.assemble(experiment, data_dir).federation
  assert federation.num_clients == num_clients
  assert np.all(np.diff(federation.offsets) > 0)
