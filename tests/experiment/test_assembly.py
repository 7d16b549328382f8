"""From a configuration to a plan, and to who takes part in a round."""

import numpy as np
import pytest
import small_experiment
import tensorflow as tf

from flsec.config import schema
from flsec.experiment import assembly


@pytest.fixture(scope='module')
def assembled():
  return assembly.assemble(small_experiment.load(), '')


def _assemble(*changes, **options):
  return assembly.assemble(small_experiment.load(*changes), '', **options)


class TestPlan:
  def test_holds_what_was_configured(self, assembled):
    plan = assembled.plan
    assert plan.dimension == (784 + 1) * 8 + 9 * 10
    assert plan.example_dtype == 'uint8' and plan.seed == 1
    assert plan.num_participants == 6 and not plan.padded
    assert plan.rule.name.startswith('trimmed_mean')
    assert plan.pruner.every == 2
    assert plan.attack.start_round == 2 and plan.attack.stop_round is None
    assert plan.attack.num_participants == 1

  def test_shares_the_training_examples(self, assembled):
    federation = assembled.federation
    assert federation.num_clients == 6
    assert len(federation.y) == 90
    assert len(federation.test) == 359

  def test_weights_follow_from_the_seed(self, assembled):
    start = assembled.plan.initial_weights
    np.testing.assert_array_equal(_assemble().plan.initial_weights, start)
    other = _assemble('seed=2').plan.initial_weights
    assert not np.array_equal(other, start)

  def test_parts_left_out_are_none(self):
    plan = _assemble('attack=null', 'pruning=null').plan
    assert plan.attack is None and plan.pruner is None
    assert plan.root is None and plan.validation is None

  def test_an_attack_permutes_all_labels_once(self, assembled):
    change = 'attack={name: label_permutation, num_byzantine: 2}'
    federation = _assemble(change).federation
    np.testing.assert_array_equal(federation.y, assembled.federation.y)
    assert np.mean(federation.attack_y != federation.y) > 0.5
    for count in (np.bincount(federation.attack_y), np.bincount(federation.y)):
      np.testing.assert_array_equal(count, np.bincount(federation.y))
    again, other = _assemble(change), _assemble(change, 'seed=2')
    np.testing.assert_array_equal(
      again.federation.attack_y, federation.attack_y
    )
    assert np.any(other.federation.attack_y != federation.attack_y)
    assert assembled.federation.attack_y is None

  def test_nobody_malicious_is_no_attack(self):
    assembled = _assemble('attack.num_byzantine=0')
    assert assembled.plan.attack is None and not assembled.malicious.any()

  def test_server_examples_are_kept_apart(self):
    assembled = _assemble('dataset.root={size: 20}')
    assert len(assembled.plan.root) == 20
    assert assembled.plan.root is assembled.federation.root

  def test_under_xla_shards_are_padded(self):
    assert _assemble(uses_xla=True).plan.padded

  def test_knowledge_is_the_attacks_own_unless_given(self):
    plan = _assemble('attack={name: ipm, num_byzantine: 2}').plan
    assert plan.attack.knowledge == plan.attack.attack.default_knowledge
    told = 'attack={name: ipm, num_byzantine: 2, knowledge: partial}'
    assert _assemble(told).plan.attack.knowledge == 'partial'


class TestServerSets:
  """What FedER and FLTrust hold back: alike for both, and for nobody else."""

  _SETS = (
    'dataset.num_train=60',
    'dataset.root={size: 20}',
    'dataset.validation={size: 30}',
    'attack=null',
  )

  def _federations(self):
    rules = ('fltrust', 'feder', '{name: feder, fraction: 0.9}')
    return [
      _assemble(*self._SETS, f'server.aggregator={rule}').federation
      for rule in rules
    ]

  def test_are_balanced_and_shared_with_no_client(self):
    found = self._federations()[0]
    np.testing.assert_array_equal(np.bincount(found.root.y), [2] * 10)
    np.testing.assert_array_equal(np.bincount(found.validation.y), [3] * 10)
    # No two pictures of the data set are the same.
    held = [
      {x.tobytes() for x in np.asarray(part.x)}
      for part in (found, found.root, found.validation, found.test)
    ]
    assert len(set.union(*held)) == sum(map(len, held))
    assert [len(one) for one in held[:3]] == [60, 20, 30]

  def test_are_the_same_draw_whatever_the_rule(self):
    first, *others = self._federations()
    for other in others:
      for name in ('x', 'y', 'offsets'):
        np.testing.assert_array_equal(
          getattr(other, name), getattr(first, name)
        )
      for name in ('root', 'validation'):
        ours, theirs = getattr(first, name), getattr(other, name)
        np.testing.assert_array_equal(theirs.x, ours.x)


class TestMalicious:
  def _ids(self, *changes):
    return list(np.flatnonzero(_assemble(*changes).malicious))

  def test_are_the_first_clients(self):
    assert self._ids('attack.num_byzantine=2') == [0, 1]

  def test_or_those_named(self):
    assert self._ids('attack.num_byzantine=2', 'attack.indices=[4, 2]') == [
      2,
      4,
    ]

  def test_or_drawn_from_the_seed(self):
    changes = ['attack.num_byzantine=2', 'attack.placement=sampled']
    drawn = {tuple(self._ids(*changes, f'seed={seed}')) for seed in range(1, 5)}
    assert len(drawn) > 1 and all(len(ids) == 2 for ids in drawn)
    assert self._ids(*changes, 'seed=3') == self._ids(*changes, 'seed=3')


class TestAttack:
  _FACTS = {'num_clients': 6, 'num_classes': 10, 'input_shape': (28, 28, 1)}

  def _built(self, text):
    config = small_experiment.load(f'attack={text}').attack
    return assembly.build_attack(config, self._FACTS)

  def test_alone(self):
    attack = self._built('{name: label_flip, num_byzantine: 1}')
    assert attack.name == 'label_flip' and attack.poison

  def test_composed(self):
    attack = self._built(
      '{name: label_flip, num_byzantine: 1, compose: [bit_flip]}'
    )
    assert attack.poison and attack.gradient

  def test_is_told_of_the_data_set(self):
    with pytest.raises(ValueError, match='from 0 to 9'):
      self._built('{name: label_flip, num_byzantine: 1, target_label: 10}')

  @pytest.mark.parametrize(
    'name, space, on_gradients',
    [
      ('alie', None, True),
      ('alie', 'gradient', True),
      ('alie', 'update', False),
      ('fang_krum', None, False),
      ('fang_krum', 'gradient', True),
    ],
  )
  def test_works_in_the_space_given_or_its_own(self, name, space, on_gradients):
    found = _assemble(
      f'attack.name={name}', f'attack.space={space or "null"}'
    ).plan.attack
    assert found.crafts_on_gradients == on_gradients

  def test_prepares_on_its_own_examples(self, monkeypatch):
    seen = {}
    build = assembly.build_attack

    def initialize(model, layout, weights, x, y, seed):
      seen.update(x=x, y=y, seed=seed, weights=weights)
      return (tf.constant([4.0]),)

    def with_state(config, facts):
      import dataclasses

      return dataclasses.replace(build(config, facts), initialize=initialize)

    monkeypatch.setattr(assembly, 'build_attack', with_state)
    found = _assemble('attack.num_byzantine=2')
    own = [found.federation.client(i) for i in (0, 1)]
    np.testing.assert_array_equal(seen['y'], np.r_[own[0].y, own[1].y])
    np.testing.assert_allclose(seen['x'][0], own[0].x[0] / 255, rtol=1e-6)
    np.testing.assert_array_equal(seen['weights'], found.plan.initial_weights)
    np.testing.assert_array_equal(found.plan.attack.state[0], [4.0])


class TestParticipants:
  def _select(self, round_number, *changes):
    malicious = np.array([True] * 2 + [False] * 4)
    return assembly.select_clients(
      small_experiment.load('attack.num_byzantine=2', *changes),
      malicious,
      round_number,
    )

  def test_all(self):
    np.testing.assert_array_equal(self._select(1), range(6))

  def test_some_change_from_round_to_round(self):
    changes = ['clients.selection=uniform', 'clients.num_selected=3']
    drawn = [tuple(self._select(n, *changes)) for n in range(1, 7)]
    assert all(len(ids) == 3 and list(ids) == sorted(ids) for ids in drawn)
    assert len(set(drawn)) > 1
    assert drawn[2] == tuple(self._select(3, *changes))

  def test_fixed_number_of_malicious_ones(self):
    changes = (
      'clients.selection=fixed_malicious',
      'clients.num_selected=3',
      'clients.num_malicious_selected=1',
    )
    for number in range(1, 5):
      ids = self._select(number, *changes)
      assert len(ids) == 3 and sum(ids < 2) == 1


def test_an_option_that_is_null_on_purpose_is_not_the_default(monkeypatch):
  given = {}

  def build(kind, name, options, supplied):
    given.update(options)

  monkeypatch.setattr(assembly.registry, 'build_supplied', build)
  cap = schema.Component('hybrid_sparse', {'output_fraction': None})
  assembly._build('attack', cap, {})
  assert given == {'output_fraction': None}
