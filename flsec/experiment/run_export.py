"""A whole run as one XLA program, for a machine without TensorFlow.

One call of the program runs the rounds from one test to the next, and the test;
whoever calls it hands the state on (`benchmarks/exported_run.py` does under
JAX). Beside the program lies `run.json`, which names its arguments and results
in order; the data, which the cells of a sweep may share, lie in files of their
own.
"""

import collections
import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from flsec import atomic_file
from flsec.aggregators import screening
from flsec.config import dump, schema
from flsec.config.errors import ConfigError
from flsec.experiment import assembly
from flsec.experiment.client_pool import ClientPool
from flsec.experiment.evaluation import evaluator_of
from flsec.experiment.exported_tests import ExportedTests
from flsec.federated import state, tracing, whole_round
from flsec.federated.plan import Plan
from flsec.runtime import device, export

PROGRAM, MANIFEST = 'run.hlo.pb', 'run.json'
Struct = collections.OrderedDict


@dataclasses.dataclass(frozen=True)
class RunProgram:
  """The rounds between two tests, and the second of these.

  Attributes:
    function: `(state, clients, test) -> (state, metrics, counted)`; metrics are
      those of `federated.whole_round` with a leading dimension, one row a
      round, and counted is what `tests.count` returns.
    state, clients, test: what the first call is given.
    tests: turns counts into metrics.
    assembled: the experiment, its plan as it is run here.
  """

  function: Any
  state: Struct
  clients: Struct
  test: Struct
  tests: ExportedTests
  assembled: assembly.Assembly


def check(experiment: schema.Experiment) -> None:
  """Refuses what no such program can do.

  Raises:
    ConfigError: names it.
  """
  clients = experiment.clients
  every, rounds = experiment.evaluation.every, experiment.rounds
  refused = (
    (rounds % every, 'rounds', f'a multiple of evaluation.every ({every})'),
    (
      experiment.phases != schema.Experiment.phases,
      'phases',
      'rounds of training alone; what other phases decide is decided in Python',
    ),
    (experiment.pruning, 'pruning', 'none; a pruner may count in Python'),
    (clients.num_selected, 'clients.num_selected', 'all clients, every round'),
    (
      clients.optimizer.persistent,
      'clients.optimizer.persistent',
      'false: slots are not handed on from call to call',
    ),
    (experiment.evaluation.escape, 'evaluation.escape', 'false'),
    (
      experiment.evaluation.batch_statistics,
      'evaluation.batch_statistics',
      'false: it tests all examples in one batch',
    ),
  )
  for is_refused, path, wanted in refused:
    if is_refused:
      raise ConfigError(path, f'a run that is exported whole wants {wanted}.')


def build_run(experiment: schema.Experiment, data_dir: str) -> RunProgram:
  """Puts an experiment together as one function.

  Args:
    experiment: a validated, resolved configuration.
    data_dir: folder of the data sets.

  Raises:
    ValueError: the run has something that the program cannot do.
  """
  check(experiment)
  device.set_precision(experiment.runtime)
  assembled = assembly.assemble(experiment, data_dir, uses_xla=True)
  plan = assembled.plan
  if plan.streams:
    raise ConfigError(
      'server.aggregator',
      'a run that is exported whole wants a rule over the stack of updates; '
      'this one is a running mean.',
    )
  plan = dataclasses.replace(
    plan, static_rows=True, rule=screening.counting(plan.rule)
  )
  assembled = dataclasses.replace(assembled, plan=plan)
  clients, count = _clients(experiment, assembled)
  test = assembled.federation.test
  tests = ExportedTests(assembled, evaluator_of(experiment, assembled))
  return RunProgram(
    function=_rounds(plan, count, experiment.evaluation.every, tests),
    state=state.initial_state(plan),
    clients=clients,
    test=Struct(x=tf.constant(test.x), y=tf.constant(test.y, tf.int32)),
    tests=tests,
    assembled=assembled,
  )


def export_run(
  experiment: schema.Experiment, *, directory: pathlib.Path, data_dir: str
) -> list[pathlib.Path]:
  """Writes a run's program, its first state and its data.

  Args:
    experiment: a validated, resolved configuration.
    directory: of the run; the data go into `data` beside it.
    data_dir: folder of the data sets.

  Returns:
    The files written.

  Raises:
    ValueError: the run has something that the program cannot do.
  """
  run = build_run(experiment, data_dir)
  named = _named(state=run.state, clients=run.clients, test=run.test)
  program = _FlatProgram(run)
  hlo, captured = export.lowered(program, list(named.values()))
  arrays = {name: value.numpy() for name, value in named.items()}
  arrays.update((f'captured_{i}', v) for i, v in enumerate(captured))
  directory.mkdir(parents=True, exist_ok=True)
  files = {name: _store(directory, value) for name, value in arrays.items()}
  manifest = {
    'experiment': experiment.name,
    'seed': experiment.seed,
    'fingerprint': dump.fingerprint(experiment),
    'rounds': experiment.rounds,
    'rounds_of_call': experiment.evaluation.every,
    'arguments': {name: path.name for name, path in files.items()},
    'results': program.names,
  }
  atomic_file.write_atomically(directory / PROGRAM, hlo)
  text = json.dumps(manifest, indent=2) + '\n'
  atomic_file.write_atomically(directory / MANIFEST, text)
  return [directory / PROGRAM, directory / MANIFEST, *set(files.values())]


def _clients(
  experiment: schema.Experiment, assembled: assembly.Assembly
) -> tuple[Struct, int]:
  """Returns all clients as one struct, and how many examples each holds."""
  federation = assembled.federation
  sizes = np.unique(np.diff(federation.offsets))
  if len(sizes) > 1 or not sizes[0]:
    raise ConfigError(
      'dataset.partition',
      'a run that is exported whole wants as many examples on every client; '
      f'here are {sizes[0]} to {sizes[-1]}.',
    )
  pool = ClientPool(
    federation,
    assembled.malicious,
    experiment.seed,
    batch_size=experiment.clients.batch_size,
  )
  structs = pool.structs(np.arange(federation.num_clients))
  stacked = Struct(
    (name, tf.stack([one[name] for one in structs])) for name in structs[0]
  )
  return stacked, int(sizes[0])


def _rounds(plan: Plan, count: int, num_rounds: int, tests: ExportedTests):
  """Builds `RunProgram.function`."""
  one = whole_round.build_whole_round(plan, count)

  def rounds(server_state: Struct, clients: Struct, test: Struct):
    traced = tracing.trace(
      one, tracing.specs_of(server_state), tracing.specs_of(clients)
    )
    rows = Struct(
      (name, tf.TensorArray(leaf.dtype, num_rounds, element_shape=leaf.shape))
      for name, leaf in traced.structured_outputs[1].items()
    )

    def body(index, server_state, rows):
      server_state, metrics = traced(server_state, clients)
      written = (
        (name, array.write(index, metrics[name]))
        for name, array in rows.items()
      )
      return index + 1, server_state, Struct(written)

    _, server_state, rows = tf.while_loop(
      lambda index, *_: index < num_rounds,
      body,
      (tf.constant(0), server_state, rows),
      maximum_iterations=num_rounds,
    )
    metrics = Struct((name, array.stack()) for name, array in rows.items())
    counted = tests.count(server_state['weights'], test['x'], test['y'])
    return server_state, metrics, counted

  return rounds


class _FlatProgram:
  """A run's function from a list of tensors to a list of tensors.

  Attributes:
    names: of the results, once it was traced.
  """

  def __init__(self, run: RunProgram) -> None:
    self._run = run
    self.names: list[str] = []

  def __call__(self, *leaves: tf.Tensor) -> list[tf.Tensor]:
    rest = list(leaves)
    parts = [
      _packed(like, rest)
      for like in (self._run.state, self._run.clients, self._run.test)
    ]
    server_state, metrics, counted = self._run.function(*parts)
    named = _named(state=server_state, metrics=metrics, counted=counted)
    self.names = list(named)
    return list(named.values())


def _packed(like: Mapping[str, Any], leaves: list[tf.Tensor]) -> Struct:
  """Takes a struct's leaves from the front of a list."""
  return Struct(
    (
      name,
      _packed(value, leaves) if isinstance(value, dict) else leaves.pop(0),
    )
    for name, value in like.items()
  )


def _named(**structs: Mapping[str, Any]) -> dict[str, tf.Tensor]:
  """Returns the leaves by path, in order."""
  named: dict[str, tf.Tensor] = {}
  for path, value in structs.items():
    if isinstance(value, dict):
      inner = _named(**value)
      named.update((f'{path}/{name}', leaf) for name, leaf in inner.items())
    else:
      named[path] = value
  return named


def _store(directory: pathlib.Path, value: np.ndarray) -> pathlib.Path:
  """Writes an array under a name made of its bytes, once."""
  folder = directory.parent / 'data'
  folder.mkdir(exist_ok=True)
  key = f'{value.dtype}{value.shape}'.encode() + value.tobytes()
  path = folder / f'{hashlib.sha256(key).hexdigest()[:16]}.npz'
  if not path.exists():
    with open(path, 'wb') as file:
      np.savez_compressed(file, value)
  return path
