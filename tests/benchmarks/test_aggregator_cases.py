"""Every rule has a case, and the references do what the rule does."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import aggregator_cases
from benchmarks.aggregator_cases import CASES, NUMPY, Case
from benchmarks.aggregator_work import SEED, Given, build_server
from flsec.aggregators import ties
from flsec.numerics.random_order import random_order

CLIENTS, DIMENSION = 20, 500
every_case = pytest.mark.parametrize('case', CASES, ids=lambda case: case.name)


@functools.cache
def server():
  return build_server(DIMENSION)


def shape_of(case):
  dimension = server().weights.size if case.needs_server else DIMENSION
  return case.shape(CLIENTS, dimension)


def updates(case):
  """Returns rows around a common one, some much closer to it than others."""
  rng = np.random.default_rng(3)
  shape = shape_of(case)
  spread = rng.permutation(np.linspace(0.5, 2.5, CLIENTS))[:, None]
  common = rng.standard_normal(shape.dimension)
  common = (
    common * np.where(np.arange(CLIENTS) < shape.num_byzantine, -1, 1)[:, None]
  )
  rows = common + spread * rng.standard_normal((CLIENTS, shape.dimension))
  # Small enough for a model that they change to answer in different ways.
  return (rows * (0.05 if case.needs_server else 1.0)).astype(np.float32)


def draw(case):
  """Returns the random order that the rule itself draws."""
  seed = tf.constant(SEED)
  folded = tf.random.experimental.stateless_fold_in(seed, 0)
  if case.stage:  # It draws a place for each client, and not an order.
    return lambda count: np.argsort(random_order(count, folded))
  seed = folded if case.rule == 'dnc' else seed
  if 'rejection' in case.name:  # The order of clients that tie.
    seed = tf.random.experimental.stateless_fold_in(
      tf.constant(SEED), ties._TIES, alg='philox'
    )
  return lambda count: random_order(count, seed).numpy()


def given(case):
  return Given(shape_of(case), draw(case), case.server(server()))


@functools.cache
def result(name):
  """Returns what flsec's rule makes of the updates."""
  (case,) = (case for case in CASES if case.name == name)
  initialize, step = case.start(shape_of(case), server())
  return step(initialize(), tf.constant(updates(case)))[1].numpy()


def distance(found, wanted):
  """Returns how far two vectors are apart, as a share of the second."""
  return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


def test_every_registered_rule_has_a_case():
  assert aggregator_cases.without_a_case() == []


@pytest.mark.parametrize('name', ['dnc', 'arc'])
def test_a_rule_without_a_case_is_named(name, monkeypatch):
  others = [c for c in CASES if name not in (c.rule, (c.stage or [''])[0])]
  monkeypatch.setattr(aggregator_cases, 'CASES', others)
  assert aggregator_cases.without_a_case() == [name]


def test_every_case_has_one_name_and_a_numpy_reference():
  names = [case.name for case in CASES]
  assert len(set(names)) == len(names)
  assert set(NUMPY) == set(names)


@every_case
def test_the_numpy_reference_does_what_the_rule_does(case):
  reference = NUMPY[case.name](updates(case), given(case))
  assert reference.dtype == np.float32
  assert distance(reference, result(case.name)) <= 1e-4


@every_case
def test_the_torch_reference_does_what_the_rule_does(case):
  torch = pytest.importorskip('torch')
  from benchmarks import torch_rules, torch_server_rules

  references = {**torch_rules.TORCH, **torch_server_rules.TORCH}
  rows = updates(case)
  found = references[case.name](torch.from_numpy(rows.copy()), given(case))
  assert distance(found.numpy(), result(case.name)) <= 1e-4


def test_torch_references_belong_to_cases_and_leave_the_updates_alone():
  torch = pytest.importorskip('torch')
  from benchmarks import torch_rules, torch_server_rules

  references = {**torch_rules.TORCH, **torch_server_rules.TORCH}
  assert set(references) <= set(NUMPY)
  for case in CASES:
    rows = torch.from_numpy(updates(case))
    before = rows.clone()
    references[case.name](rows, given(case))
    assert torch.equal(rows, before), case.name


@every_case
def test_the_updates_tell_the_rule_from_the_mean(case):
  apart = distance(result(case.name), updates(case).mean(axis=0))
  assert (apart < 1e-4) == (case.name == 'mean')


@pytest.mark.parametrize(
  ('name', 'clients', 'wanted'),
  [
    ('krum', 80, 16),
    ('minimum_diameter', 20, 4),
    ('minimum_diameter', 80, 3),
    ('minimum_diameter', 1000, 1),
  ],
)
def test_a_fifth_is_malicious_or_as_many_as_the_rule_can_do(
  name, clients, wanted
):
  (case,) = (case for case in CASES if case.name == name)
  assert case.shape(clients, 7).num_byzantine == wanted


def test_defaults_of_random_rules_at_full_size():
  shape = Case('x', 'gas').shape(80, 1_000_000)
  assert (shape.num_groups, shape.num_coordinates) == (1000, 10_000)
