"""Attacks that could not do anything are refused before a run."""

import checked_experiment
import pytest

from flsec.config.errors import ConfigError


class TestActs:
  @pytest.mark.parametrize(
    'changes, reason',
    [
      # s = floor(10 / 2 + 1) - 2 = 4 of 8: the median, z = 0.
      (['attack={name: alie, num_byzantine: 2}'], 'z_max, .* n=10 and f=2, is'),
      # s = 5 of 9: below it.
      (['attack={name: alie, num_byzantine: 1}'], 'z_max, .* n=10 and f=1, is'),
      (['attack={name: alie, num_byzantine: 4, scale: 0}'], 'scale z is 0'),
      (['attack={name: rop, num_byzantine: 2, scale: null}'], 'z_max'),
      (['attack={name: rop, num_byzantine: 2, scale: 0}'], 'scale z is 0'),
      (
        [
          'attack={name: hybrid_sparse, num_byzantine: 4, scale: 0, '
          'masked_scale: 0}'
        ],
        'masked_scale is 0, and its scale z is 0',
      ),
      (
        ['attack={name: gaussian_noise, num_byzantine: 2, scale: 0}'],
        'scale and mean of the noise are 0',
      ),
      (
        [
          'attack={name: model_replacement, num_byzantine: 2, scale: 1, '
          'attack: {name: gaussian_noise, scale: 0}}'
        ],
        'noise are 0',
      ),
      (
        [
          'attack={name: projected, num_byzantine: 2, radius: 1, '
          'attack: {name: gaussian_noise, scale: 0}}'
        ],
        'noise are 0',
      ),
      (
        [
          'attack={name: gaussian_noise, num_byzantine: 2, scale: 0, '
          'compose: [{name: alie, scale: 0}]}'
        ],
        'noise are 0; its scale z is 0',
      ),
      # 2 of 10 are expected of 4 among 20: the numbers of a round count.
      (
        [
          'clients.num_clients=20',
          'clients.selection=uniform',
          'clients.num_selected=10',
          'attack={name: alie, num_byzantine: 4}',
        ],
        'n=10 and f=2',
      ),
    ],
  )
  def test_an_attack_without_effect_is_refused(self, changes, reason):
    with pytest.raises(
      ConfigError, match=f'^attack: .*change nothing.*{reason}'
    ):
      checked_experiment.check('clients.num_clients=10', *changes)

  @pytest.mark.parametrize(
    'change',
    [
      'attack={name: alie, num_byzantine: 3}',
      'attack={name: alie, num_byzantine: 2, scale: 0.25}',
      'attack={name: alie, num_byzantine: 0}',
      'attack={name: hybrid_sparse, num_byzantine: 2}',
      'attack={name: gaussian_noise, num_byzantine: 2, scale: 0, '
      'mode: replace}',
      'attack={name: gaussian_noise, num_byzantine: 2}',
      'attack={name: gaussian_noise, num_byzantine: 2, scale: 0, mean: 0.1}',
      'attack={name: model_replacement, num_byzantine: 2, attack: '
      '{name: gaussian_noise, scale: 0}}',
      'attack={name: gaussian_noise, num_byzantine: 2, scale: 0, '
      'compose: [label_flip]}',
    ],
  )
  def test_one_with_an_effect_passes(self, change):
    checked_experiment.check('clients.num_clients=10', change)

  @pytest.mark.parametrize(
    'change',
    [
      # Of its own row alone: the spread is 0, and a copy is the honest update.
      'attack={name: alie, num_byzantine: 3, knowledge: none}',
      'attack={name: mimic, num_byzantine: 3, knowledge: none}',
      'attack={name: min_max, num_byzantine: 1, knowledge: partial}',
      'attack={name: min_max, num_byzantine: 1, knowledge: partial, '
      'replication: agramplifier}',
    ],
  )
  def test_fewer_known_rows_than_needed_are_refused(self, change):
    with pytest.raises(ConfigError, match=r'attack\.knowledge: .* sees 1\.'):
      checked_experiment.check('clients.num_clients=10', change)

  def test_poisoned_examples_of_a_batch_need_a_class(self):
    training = 'training: {num_poisoned: 3}'
    with pytest.raises(
      ConfigError,
      match=r"attack\.training\.num_poisoned: means examples of the attack's",
    ):
      checked_experiment.check(
        f'attack={{name: label_complement, num_byzantine: 2, {training}}}'
      )
    checked_experiment.check(
      f'attack={{name: label_flip, num_byzantine: 2, {training}}}'
    )

  def test_sharing_needs_attackers_that_see_each_other(self):
    compose = 'compose: [shared_update]'
    with pytest.raises(ConfigError, match='works from at least 2 rows'):
      checked_experiment.check(
        f'attack={{name: label_flip, num_byzantine: 2, {compose}, '
        'knowledge: none}'
      )
    checked_experiment.check(
      f'attack={{name: label_flip, num_byzantine: 2, {compose}}}'
    )

  def test_holders_need_a_class(self):
    with pytest.raises(ConfigError, match=r'attack\.placement: holders are'):
      checked_experiment.check(
        'attack={name: badnets, num_byzantine: 2, placement: holders}'
      )
    checked_experiment.check(
      'attack={name: label_flip, num_byzantine: 2, placement: holders}'
    )
    checked_experiment.check(
      'attack={name: sign_flip, num_byzantine: 2, placement: holders, '
      'compose: [{name: badnets, source_label: 9}, label_flip]}'
    )


class TestSpace:
  def test_of_an_attack_that_crafts_nothing_is_refused(self):
    with pytest.raises(ConfigError, match=r'attack\.space: only means'):
      checked_experiment.check('attack.space=update')

  @pytest.mark.parametrize('space', ['gradient', 'update'])
  def test_of_one_that_crafts_passes(self, space):
    checked_experiment.check('attack.name=alie', f'attack.space={space}')
