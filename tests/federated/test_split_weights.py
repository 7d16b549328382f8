"""Weight tensors that stay apart: the same numbers, entry by entry."""

import dataclasses

import local_runs as local
import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec.config import schema
from flsec.federated import optimizers, split_weights
from flsec.federated.local_training import Hooks
from flsec.models import flat


class TestParts:
  @pytest.mark.parametrize('name', local.OPTIMIZERS)
  @pytest.mark.parametrize('is_poisoned', [False, True])
  def test_they_train_to_the_same_bits(self, monkeypatch, name, is_poisoned):
    clients = tiny.clients_config(1, optimizer=local.OPTIMIZERS[name], epochs=3)
    hooks = Hooks(poison=local.poison) if is_poisoned else None
    whole = local.train(clients, local.client_of(), hooks=hooks)
    seen = _watch_parts(monkeypatch)
    parts = local.train(clients, local.client_of(), hooks=hooks)
    assert seen
    for field in dataclasses.fields(whole):
      np.testing.assert_array_equal(
        getattr(parts, field.name), getattr(whole, field.name)
      )

  def test_hooks_on_vectors_get_vectors(self, monkeypatch):
    seen, shapes = _watch_parts(monkeypatch), []

    def halved(gradient, weights, context):
      shapes.append((gradient.shape.rank, weights.shape.rank))
      return 0.5 * gradient

    local.train(
      tiny.clients_config(1), local.client_of(), hooks=Hooks(gradient=halved)
    )
    assert shapes and set(shapes) == {(1, 1)}
    assert not seen

  def test_sizes_are_those_of_the_tensors_in_order(self, monkeypatch):
    model = tiny.model()
    assert split_weights.sizes_of(model.layout) is None  # Too small.
    monkeypatch.setattr(split_weights, 'LEAST_ENTRIES', 1)
    sizes = split_weights.sizes_of(model.layout)
    tensors = model.tensors(tf.zeros([model.num_weights]))
    assert sizes == tuple(int(tf.size(tensor)) for tensor in tensors)

  def test_statistics_stay_in_the_vector(self, monkeypatch):
    monkeypatch.setattr(split_weights, 'LEAST_ENTRIES', 1)
    layers = [
      tf.keras.layers.Dense(3),
      tf.keras.layers.BatchNormalization(),
      tf.keras.layers.Dense(2),
    ]
    model = flat.FlatModel(
      tf.keras.Sequential([tf.keras.layers.Input((4,)), *layers])
    )
    assert split_weights.sizes_of(model.layout) is None

  def test_a_weight_that_the_loss_ignores_stays(self):
    rule = optimizers.build_optimizer(schema.OptimizerConfig(learning_rate=0.5))
    weights, slots = split_weights.by_parts(rule, (2, 1)).step(
      (tf.constant([1.0, 2.0]), tf.constant([3.0])),
      (),
      (tf.constant([2.0, 2.0]), None),
      tf.constant(0.5),
      tf.constant(1),
    )
    np.testing.assert_array_equal(tf.concat(weights, axis=0), [0, 1, 3])
    assert slots == ()


def _watch_parts(monkeypatch):
  """Lets parts pay, and returns the list of how many a gradient came in."""
  seen = []
  differentiate = flat.FlatModel.differentiate

  def watched(self, weights, *args, **kwargs):
    if isinstance(weights, tuple):
      seen.append(len(weights))
    return differentiate(self, weights, *args, **kwargs)

  monkeypatch.setattr(split_weights, 'LEAST_ENTRIES', 1)
  monkeypatch.setattr(flat.FlatModel, 'differentiate', watched)
  return seen
