"""All three contexts give the same round, for every rule and every attack.

What is registered is tried, so that a new rule or attack is tried, too. The
round is that of an experiment assembled from YAML: images of digits, ten
clients, two of them malicious.
"""

import contextlib

import numpy as np
import pytest
import remote_cases
import tensorflow as tf
import tiny_federation as tiny
import yaml

from flsec import registry
from flsec.runtime import tff_local, tff_remote, worker
from flsec.runtime.in_process import InProcess

_TRIGGER = {'name': 'badnets', 'num_poisoned': 2}
_INNER_RULE = {'name': 'multi_krum', 'num_byzantine': 1}
# What an option that has no default is given.
_REQUIRED = {
  'num_byzantine': 1,
  'rule': _INNER_RULE,
  'attack': _TRIGGER,
  'attacks': [_TRIGGER, {'name': 'sign_flip'}],
  'radius': 1.0,
  'channels': [0, 1],
}
_CHOSEN = {
  'gas': {'num_groups': 50},
  'trimmed_mean': {'num_byzantine': 2},
  'hybrid_sparse': {'batch_size': 8, 'num_iterations': 2},
}
# One each that streams, stacks, keeps a state and crafts; all others take
# minutes.
_QUICK = ('mean', 'centered_clipping', 'badnets', 'min_max')
_PIXELS = 28 * 28
_SERVER_EXAMPLES = ('dataset.root={size: 20}', 'dataset.validation={size: 20}')


def _cases(kind):
  return [
    pytest.param(
      kind, entry, marks=[] if entry in _QUICK else [pytest.mark.slow]
    )
    for entry in registry.entries(kind)
  ]


def _options(kind, name, folder):
  given = {'file': str(folder / 'edge_cases.npz'), **_REQUIRED}
  required = [
    option.name
    for option in registry.entry(kind, name).settings
    if option.is_required
  ]
  missing = [option for option in required if option not in given]
  assert not missing, f'{name} needs {missing}: say what in _REQUIRED'
  return {**{o: given[o] for o in required}, **_CHOSEN.get(name, {})}


def _case(kind, name, folder):
  component = {'name': name, **_options(kind, name, folder)}
  attack = {'name': 'label_flip', 'num_byzantine': 2}
  rule = {'name': 'mean'}
  if kind == 'attack':
    attack = {**component, 'num_byzantine': 2}
  else:
    rule = component
  sets = {
    'model': {'name': 'lenet5'}
    if name in ('pruning_aware', 'self_pruning')
    else {'name': 'mlp', 'hidden': [6]},
    'pruning': None,
    'attack': attack,
    'server.aggregator': rule,
  }
  return remote_cases.case(
    *(f'{path}={_one_line(value)}' for path, value in sets.items()),
    *_SERVER_EXAMPLES,
  )


def _one_line(value):
  text = yaml.safe_dump(value, default_flow_style=True, width=10_000)
  return text.removesuffix('\n...\n').strip()


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  folder = tmp_path_factory.mktemp('edge_cases')
  rng = np.random.default_rng(0)
  np.savez(
    folder / 'edge_cases.npz',
    x_train=rng.integers(0, 256, (8, 28, 28, 1), np.uint8),
    x_test=rng.integers(0, 256, (8, 28, 28, 1), np.uint8),
  )
  return folder


@pytest.fixture(scope='module')
def started():
  """A worker for tff_local and two for tff_remote."""
  with remote_cases.workers(3) as started:
    yield started


@pytest.fixture
def local_worker(started, monkeypatch):
  """tff_local talks to the same worker in all tests, which outlives it."""
  monkeypatch.setattr(started[0], 'close', lambda: None)
  monkeypatch.setattr(tff_local.worker, 'Worker', lambda: started[0])
  yield
  monkeypatch.undo()


@pytest.mark.usefixtures('local_worker')
@pytest.mark.parametrize(
  'kind, name', [*_cases('aggregator'), *_cases('attack')]
)
def test_a_round_is_the_same_everywhere(kind, name, folder, started):
  case = _case(kind, name, folder)
  targets = [one.target for one in started[1:]]
  runtimes = (
    InProcess(case.process, num_threads=2),
    tff_local.TffLocal(case.process),
    tff_remote.TffRemote(case.process, workers=targets),
  )
  states, before = [], []
  with contextlib.ExitStack() as stack:
    for runtime in runtimes:
      stack.enter_context(runtime)
      start = runtime.initialize()
      before.append(np.asarray(start['weights']))
      state, _ = runtime.next(start, case.clients)
      states.append(tf.nest.map_structure(np.asarray, state))
  weights = states[0]['weights']
  assert np.isfinite(weights).all()
  assert (weights != before[0]).any()  # To agree on nothing would be easy.
  for state in states[1:]:
    tiny.assert_close(state, states[0], steps=10, step_length=_PIXELS)


def test_workers_are_processes_of_their_own(started):
  assert all(isinstance(one, worker.Worker) for one in started)
  assert len({one.pid for one in started}) == 3
