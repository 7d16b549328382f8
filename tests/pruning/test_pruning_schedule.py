"""Pruning on schedule, with and without a lasting mask."""

import flap_reference as reference
import numpy as np
import pytest
import tensorflow as tf

from flsec import pruning
from flsec.pruning.pruner import PruningContext
from flsec.pruning.schedule import initial_mask, prune_if_due

LAYOUT, WEIGHTS = reference.example()


def run(rounds, *, in_graph=False, retrained=False, **options):
  """Prunes for some rounds; yields (weights, mask, record) of each."""
  pruner = pruning.build('flap', **options)

  def step(weights, mask, round_number):
    context = PruningContext(round_number)
    return prune_if_due(pruner, weights, LAYOUT, context, mask)

  step = tf.function(step) if in_graph else step
  weights, mask = tf.constant(WEIGHTS), initial_mask(LAYOUT)
  results = []
  for number in range(1, rounds + 1):
    weights, mask, record = step(weights, mask, tf.constant(number))
    results.append(
      (weights.numpy(), mask.numpy(), tf.nest.map_structure(np.array, record))
    )
    if retrained:
      weights = weights + 1.0  # Clients train every weight.
  return results


@pytest.mark.parametrize('in_graph', [False, True])
def test_only_due_rounds_prune(in_graph):
  results = run(5, in_graph=in_graph, start_round=2, every=3, skip_zero=True)
  units = [record['dense_0/units'].tolist() for _, _, record in results]
  partners = [record['dense_0/partners'].tolist() for _, _, record in results]
  scores = [float(record['dense_0/scores'][0]) for _, _, record in results]
  assert units == [[-1], [1], [-1], [-1], [2]]
  assert partners == [[-1], [0], [-1], [-1], [0]]
  assert scores[0] == scores[2] == 0.0 < scores[1]
  np.testing.assert_array_equal(results[0][0], WEIGHTS)
  assert [mask.any() for _, mask, _ in results] == [
    False,
    True,
    False,
    False,
    True,
  ]


@pytest.mark.parametrize('in_graph', [False, True])
def test_a_persistent_mask_lasts_and_grows(in_graph):
  options = {'persistent': True, 'every': 6, 'skip_zero': True}
  results = run(7, in_graph=in_graph, retrained=True, **options)
  sizes = [int(mask.sum()) for _, mask, _ in results]
  assert sizes == [5, 5, 5, 5, 5, 5, 10]
  for weights, mask, _ in results:
    assert not weights[mask].any()


def test_without_it_clients_may_train_units_back():
  results = run(2, retrained=True)
  (first, mask, _), (second, later, _) = results
  assert not first[mask].any()
  assert second[mask].all()
  assert not later.any()
