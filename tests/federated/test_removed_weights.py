"""What a phase has removed stays removed, whoever trains, and however."""

import conv_federation as conv
import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec import aggregators, attacks
from flsec.attacks.attack import Attack
from flsec.federated import process
from flsec.pruning import masks
from flsec.runtime.in_process import InProcess

layers = tf.keras.layers
SIZES = [6, 5, 9, 8]
MALICIOUS = [False, True, False, False]
NORMS = {
  'none': None,
  'batch': layers.BatchNormalization,
  'group': lambda name: layers.GroupNormalization(5, name=name),
}
OPTIMIZERS = {
  'sgd': {'learning_rate': 0.1},
  'adam that lives on': {
    'learning_rate': 0.01,
    'name': 'adam',
    'persistent': True,
  },
}


def _attacker():
  """A backdoor, scaled up, that adds noise to every weight besides."""
  badnets = attacks.build(
    'badnets',
    trigger={'patch': [2, 2], 'position': [0, 4], 'value': 6.0},
    input_shape=(6, 6, 1),
  )
  scaled = attacks.build('model_replacement', attack=badnets, scale=3.0)
  noise = Attack('noise', update=lambda update, context: update + 0.5)
  return attacks.build('compose', attacks=[scaled, noise])


def _removed(flat, channels=(1, 3)):
  gone = np.isin(np.arange(conv.CHANNELS), channels)
  return masks.unit_mask(flat.layout, {'conv': gone}, {}).numpy()


def _state(runtime, removed):
  """The first state, with weights removed."""
  state = runtime.initialize()
  state['removed'] = tf.constant(removed)
  state['weights'] = masks.apply_mask(state['weights'], removed)
  return state


@pytest.mark.parametrize(
  ('norm', 'optimizer', 'activation'),
  [
    ('none', 'sgd', 'relu'),
    ('batch', 'sgd', 'relu'),
    # Gradients reach a channel that is zero, and moments outlive rounds.
    ('none', 'adam that lives on', 'tanh'),
    ('group', 'adam that lives on', 'tanh'),
  ],
)
def test_channels_stay_zero_through_training_with_an_attacker(
  norm, optimizer, activation
):
  flat = conv.model(NORMS[norm], activation)
  plan = tiny.plan(
    4,
    model=flat,
    attack=tiny.attack_plan(_attacker(), MALICIOUS),
    clients=tiny.clients_config(4, optimizer=OPTIMIZERS[optimizer]),
    keeps_removed=True,
  )
  removed = _removed(flat)
  clients = conv.structs(conv.federation(SIZES), MALICIOUS)
  with InProcess(process.build_process(plan), num_threads=1) as runtime:
    state = _state(runtime, removed)
    before = np.asarray(state['weights'])
    for _ in range(3):
      state, _ = runtime.next(state, clients)
      after = np.asarray(state['weights'])
      assert not after[removed].any()
  np.testing.assert_array_equal(state['removed'], removed)
  assert (after != before)[~removed].mean() > 0.9
  # A removed channel says nothing.
  x = clients[0]['x']
  active = flat.activations(tf.constant(after), x, 'conv').numpy()
  assert not active[..., [1, 3]].any() and active.any()


def test_updates_of_removed_weights_are_nothing_to_a_rule():
  """Honest rows are 0 there, so that distances count what is left alone."""
  flat = conv.model(activation='tanh')
  removed = _removed(flat)
  seen = []

  def next_rule(state, updates, weights, context):
    del weights, context
    seen.append(updates)
    rows = tf.reduce_any(tf.boolean_mask(updates, removed, axis=1) != 0.0)
    return (
      state,
      tf.reduce_mean(updates, 0),
      {
        'selected': tf.ones([4]),
        'moved': tf.cast(rows, tf.int32),
      },
    )

  rule = aggregators.rule.Rule('spy', next=next_rule)
  plan = tiny.plan(4, model=flat, rule=rule, keeps_removed=True)
  clients = conv.structs(conv.federation(SIZES))
  with InProcess(process.build_process(plan), num_threads=1) as runtime:
    _, metrics = runtime.next(_state(runtime, removed), clients)
    assert not np.asarray(metrics['rule/moved'])
    _, metrics = runtime.next(runtime.initialize(), clients)
    assert np.asarray(metrics['rule/moved'])


def test_a_run_whose_phases_remove_nothing_is_as_it_was():
  clients = conv.structs(conv.federation(SIZES), MALICIOUS)
  states = [
    conv.train(
      tiny.plan(
        4,
        model=conv.model(),
        attack=tiny.attack_plan(_attacker(), MALICIOUS),
        keeps_removed=keeps,
      ),
      clients,
      rounds=2,
    )
    for keeps in (False, True)
  ]
  assert 'removed' not in states[0]
  np.testing.assert_array_equal(states[0]['weights'], states[1]['weights'])


class TestPenalty:
  def _updates(self, attack=None, **options):
    """Each client's update after one step on all its images."""
    flat = conv.model()
    clients = tiny.clients_config(4, epochs=1, batch_size=16, **options)
    rows = []

    def next_rule(state, updates, weights, context):
      del weights, context
      return (
        state,
        tf.reduce_mean(updates, 0),
        {
          'selected': tf.ones([4]),
          **{f'row_{i}': updates[i] for i in range(4)},
        },
      )

    rule = aggregators.rule.Rule('spy', next=next_rule)
    plan = tiny.plan(4, model=flat, rule=rule, clients=clients, attack=attack)
    fed = conv.structs(conv.federation(SIZES), MALICIOUS)
    with InProcess(process.build_process(plan), num_threads=1) as runtime:
      _, metrics = runtime.next(runtime.initialize(), fed)
    rows = [np.asarray(metrics[f'rule/row_{i}'], np.float64) for i in range(4)]
    return plan, np.stack(rows), np.asarray(metrics['loss'], np.float64)

  def test_it_pulls_the_last_kernel_towards_zero(self):
    """One step of SGD at 0.1: - 0.1 * 2 lambda W more, and on the loss
    lambda ||W||^2."""
    plan, plain, loss = self._updates()
    _, pulled, more = self._updates(last_conv_l2=0.25)
    span = plan.model.layout['conv'].kernel
    expected = np.zeros(plan.dimension)
    kernel = plan.initial_weights[span.start : span.stop].astype(np.float64)
    expected[span.start : span.stop] = -0.1 * 2 * 0.25 * kernel
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(
      pulled - plain, np.tile(expected, (4, 1)), rtol=0, atol=1e-6
    )
    np.testing.assert_allclose(more - loss, 0.25 * (kernel**2).sum(), rtol=1e-4)

  @pytest.mark.parametrize('of', ['all', 'honest'])
  def test_attackers_leave_it_out_where_it_is_of_honest_ones(self, of):
    same = Attack('same', update=lambda update, context: 1.0 * update)
    attack = tiny.attack_plan(same, MALICIOUS)
    _, plain, _ = self._updates(attack)
    _, pulled, _ = self._updates(attack, last_conv_l2=0.25, last_conv_l2_of=of)
    moved = np.abs(pulled - plain).max(axis=1) > 1e-3
    np.testing.assert_array_equal(moved, [True, of == 'all', True, True])

  def test_a_model_without_conv_layer_is_refused(self):
    clients = tiny.clients_config(4, last_conv_l2=0.1)
    with pytest.raises(ValueError, match='last_conv_l2 changes the last conv'):
      process.build_process(tiny.plan(4, clients=clients))
