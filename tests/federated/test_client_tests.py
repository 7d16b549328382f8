"""Clients that test candidates: against plain evaluation, and lies."""

import conv_federation as conv
import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec import attacks
from flsec.defenses import channels
from flsec.federated import client_tests, state
from flsec.runtime.device import Device
from flsec.runtime.in_process import InProcess

SIZES = [6, 5, 9, 3, 8]
MALICIOUS = [False, True, False, False, False]


def _plan(**options):
  return tiny.plan(len(SIZES), model=conv.model(), **options)


def _path(plan):
  """Channels 2, 0 and 4 go, one by one; and a weight of the output layer."""
  own = channels.entries(plan.model.layout, plan.model.layout['conv'])
  path = np.full(plan.dimension, channels.NEVER, np.int32)
  for point, channel in enumerate([2, 0, 4], start=1):
    path[own[channel]] = point
  return path


def _test(plan, clients, path=None, points=1, **options):
  built = client_tests.build_client_tests(plan, num_points=points)
  asked = client_tests.tests_state(state.initial_state(plan), path)
  with InProcess(built, **{'num_threads': 1, **options}) as runtime:
    found = runtime.next(asked, clients)[1]
  return tf.nest.map_structure(np.asarray, found)


def _expected(plan, federated, path, points):
  """Each client's accuracy by the model's own logits."""
  rows = []
  for client in range(federated.num_clients):
    shard = federated.client(client)
    row = []
    for point in range(points):
      weights = np.where(path > point, plan.initial_weights, np.float32(0))
      logits = plan.model.logits(tf.constant(weights), tf.constant(shard.x))
      row.append(np.mean(np.argmax(logits, axis=1) == shard.y))
    rows.append(row)
  return np.array(rows)


def test_every_candidate_is_tested_on_every_example():
  plan, federated = _plan(), conv.federation(SIZES)
  path = _path(plan)
  found = _test(plan, conv.structs(federated), path, 4)
  expected = _expected(plan, federated, path, 4)
  np.testing.assert_allclose(found['accuracies'], expected, rtol=1e-6)
  np.testing.assert_array_equal(found['count'], SIZES)
  np.testing.assert_array_equal(found['client_id'], np.arange(5))
  assert len(np.unique(expected)) > 3


def test_one_candidate_is_the_model_itself():
  plan, federated = _plan(), conv.federation(SIZES)
  found = _test(plan, conv.structs(federated))
  path = np.full(plan.dimension, channels.NEVER)
  np.testing.assert_allclose(
    found['accuracies'], _expected(plan, federated, path, 1), rtol=1e-6
  )


def test_a_model_without_conv_layer_can_be_tested_as_it_is():
  plan = tiny.plan(2)
  clients = tiny.structs(tiny.federation([6, 5]))
  assert _test(plan, clients)['accuracies'].shape == (2, 1)


@pytest.mark.parametrize('uses_xla', [False, True])
def test_padding_and_compiling_change_nothing(uses_xla):
  plan, federated = _plan(padded=True), conv.federation(SIZES)
  path = _path(plan)
  found = _test(
    plan,
    conv.structs(federated, None, batch_size=4),
    path,
    4,
    device=Device(uses_xla=uses_xla),
  )
  np.testing.assert_allclose(
    found['accuracies'], _expected(plan, federated, path, 4), rtol=1e-6
  )
  np.testing.assert_array_equal(found['count'], SIZES)


def test_a_client_without_examples_has_tested_on_none():
  federated = conv.federation([6, 0, 9, 3, 8])
  found = _test(_plan(), conv.structs(federated))
  assert found['count'][1] == 0 and found['accuracies'][1] == 0


def test_attackers_say_that_any_change_ruins_the_model():
  attack = tiny.attack_plan(attacks.build('false_reports'), MALICIOUS)
  plan, federated = _plan(attack=attack), conv.federation(SIZES)
  path = _path(plan)
  found = _test(plan, conv.structs(federated, MALICIOUS), path, 4)
  expected = _expected(plan, federated, path, 4)
  expected[1] = [1, 0, 0, 0]
  np.testing.assert_allclose(found['accuracies'], expected, rtol=1e-6)
