"""Which way the weights go under crafted updates: gradients or updates."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec import attacks, registry
from flsec.attacks.attack import Attack
from flsec.federated import adversary, client_work, state

_N, _F = 6, 2
_MALICIOUS = np.arange(_N) < _F
_DIMENSION = tiny.model().num_weights
_MASK = np.arange(_DIMENSION) % 3 == 0
# Each attack that is no odd function of its rows.
_ONE_SIDED = [
  ('alie', {'scale': 1.5}),
  ('hybrid_sparse', {'scale': 0.5, 'masked_scale': 2.0}),
  ('hybrid_sparse', {'policy': 'semi_adaptive', 'masked_scale': 0.5}),
  ('min_max', {'perturbation': 'std'}),
  ('min_sum', {'perturbation': 'std'}),
  ('rop', {'scale': 0.1}),
]
# Those that say the same of gradients and updates, or are stated on updates.
_UNCHANGED = [
  ('averaged_badnets', {}),
  ('fang_krum', {}),
  ('fang_krum', {'radius': 0.01}),
  ('fang_trimmed_mean', {}),
  ('ipm', {}),
  ('mimic', {}),
  ('mimic', {'position': None}),
  ('min_max', {'perturbation': 'sign'}),
  ('min_max', {'perturbation': 'unit'}),
  ('min_sum', {'perturbation': 'sign'}),
  ('min_sum', {'perturbation': 'unit'}),
  ('shared_update', {}),
  ('sign_flip', {'source': 'mean'}),
]


def _plan(name, options, space=None):
  planned = tiny.attack_plan(
    attacks.build(name, **options), _MALICIOUS, space=space
  )
  has_mask = name == 'hybrid_sparse'
  return tiny.plan(
    _N,
    attack=dataclasses.replace(planned, state=_MASK if has_mask else ()),
  )


def _clients():
  return tiny.structs(tiny.federation([8] * _N, seed=7), _MALICIOUS)


def _honest_updates(plan):
  """Returns float64 [n, d], what each client would send."""
  plan = dataclasses.replace(plan, attack=None)
  broadcast = state.broadcast_of(plan, state.initial_state(plan))
  work = tf.function(client_work.build_client_work(plan), autograph=False)
  rows = [work(broadcast, client)['update'].numpy() for client in _clients()]
  return np.float64(rows)


def _shift(name, options, space=None):
  """Runs a round; returns the shift that the attack gave the weights [d].

  Also the benign clients' mean update and the updates' standard deviation.
  """
  plan = _plan(name, options, space)
  after = tiny.weights_of(tiny.run(plan, _clients()))[0]
  benign = _honest_updates(plan)[_F:]
  mean, std = benign.mean(axis=0), benign.std(axis=0, ddof=1)
  # Equal shards, plain mean: the malicious rows have the share f / n.
  moved = np.float64(after) - plan.initial_weights
  return (moved - mean) * _N / _F, mean, std


class TestWeightsOfARound:
  """The paper's row is a gradient `mu - z sigma`: weights move by + z sigma."""

  @pytest.mark.parametrize('space, sign', [(None, 1), ('update', -1)])
  def test_alie(self, space, sign):
    shift, _, std = _shift('alie', {'scale': 1.5}, space)
    np.testing.assert_allclose(shift, sign * 1.5 * std, atol=2e-6)

  def test_hybrid_sparse(self):
    options = {'scale': 0.5, 'masked_scale': 2.0}
    shift, _, std = _shift('hybrid_sparse', options)
    expected = np.where(_MASK, 2.0, 0.5) * std
    np.testing.assert_allclose(shift, expected, atol=2e-6)

  @pytest.mark.parametrize('name', ['min_max', 'min_sum'])
  def test_std_perturbations(self, name):
    shift, _, std = _shift(name, {'perturbation': 'std'})
    gamma = (shift @ std) / (std @ std)
    assert gamma > 0.1
    np.testing.assert_allclose(shift, gamma * std, atol=2e-6)

  def test_rop(self):
    # In round 1 there is no last update: x = z r / |r|, r the ones less their
    # part along the mean; a gradient, so that weights move by - x.
    shift, mean, _ = _shift('rop', {'scale': 0.1})
    across = 1 - mean * mean.sum() / (mean @ mean)
    expected = -0.1 * across / np.linalg.norm(across)
    np.testing.assert_allclose(shift + mean, expected, atol=2e-6)


def _rewritten(plan, updates, previous):
  """Returns what the adversary makes of the malicious rows, [f, d]."""
  server_state = state.initial_state(plan)
  server_state['previous_update'] = tf.constant(previous)
  rows = {
    'rank': tf.constant(np.where(_MALICIOUS, np.arange(_N), -1), tf.int32),
    'weight': tf.ones([_N]),
    'norm': tf.ones([_N]),
    'is_finite': tf.fill([_N], True),
  }

  @tf.function(autograph=False)
  def rewrite(updates):
    return adversary.rewrite(plan, server_state, updates, rows)[0]

  return rewrite(tf.constant(updates)).numpy()[:_F]


def _stack():
  rng = np.random.default_rng(3)
  rows = rng.normal(size=[_N + 1, _DIMENSION]) + rng.normal(size=_DIMENSION)
  return rows[:_N].astype(np.float32), rows[_N].astype(np.float32)


@pytest.mark.parametrize('name, options', _UNCHANGED)
def test_odd_attacks_and_those_on_updates_are_as_they_were(name, options):
  updates, previous = _stack()
  by_default = _rewritten(_plan(name, options), updates, previous)
  on_updates = _rewritten(_plan(name, options, 'update'), updates, previous)
  np.testing.assert_array_equal(by_default, on_updates)


@pytest.mark.parametrize('name, options', _ONE_SIDED)
def test_the_others_are_turned_with_their_rows(name, options):
  updates, previous = _stack()
  by_default = _rewritten(_plan(name, options), updates, previous)
  of_negated = _rewritten(_plan(name, options, 'update'), -updates, -previous)
  np.testing.assert_array_equal(by_default, -of_negated)
  on_updates = _rewritten(_plan(name, options, 'update'), updates, previous)
  assert np.abs(by_default - on_updates).max() > 1e-2


def test_every_crafting_attack_is_looked_at():
  facts = {'num_classes': 10, 'input_shape': (28, 28, 1)}
  crafting = set()
  for name in registry.entries('attack'):
    options = registry.entry('attack', name).options
    # An attack that needs more wraps another one, which crafts or does not.
    if all(o.name in facts for o in options if o.is_required):
      given = {'source': 'mean'} if name == 'sign_flip' else {}
      if registry.build_supplied('attack', name, given, facts).craft:
        crafting.add(name)
  assert crafting == {name for name, _ in (*_ONE_SIDED, *_UNCHANGED)}


@pytest.mark.parametrize(
  'knowledge, expected', [('full', -3.0), ('partial', -1.0), ('none', -1.0)]
)
def test_all_that_is_signed_is_turned(knowledge, expected):
  seen = []

  def craft(own, benign, context):
    seen.append(context)
    return own + tf.reduce_sum(benign) / _DIMENSION + context.previous_update

  def plan(space):
    attack = Attack('x', craft=craft, space=space)
    return tiny.plan(
      _N, attack=tiny.attack_plan(attack, _MALICIOUS, knowledge=knowledge)
    )

  updates = np.full([_N, _DIMENSION], -1.0, np.float32)
  updates[_F:] = -0.5
  previous = np.zeros(_DIMENSION, np.float32)
  for space in ('gradient', 'update'):
    found = _rewritten(plan(space), updates, previous)
    np.testing.assert_array_equal(found, np.full([_F, _DIMENSION], expected))
    found = _rewritten(plan(space), updates, previous + 2)
    np.testing.assert_array_equal(found, np.full_like(found, expected + 2))


def test_composed_attacks_keep_the_space_of_the_one_that_crafts():
  crafting = Attack('x', craft=lambda own, benign, context: own, space='update')
  other = attacks.build('bit_flip')
  for order in ((crafting, other), (other, crafting)):
    assert attacks.build('compose', attacks=order).space == 'update'
