"""Attacks that change nothing are refused or warned of before training."""

import dataclasses

import numpy as np
import pytest
import small_experiment

from flsec.attacks.attack import Attack
from flsec.experiment import assembly, attack_checks

# Ten digits in order, so that client i of ten holds class i alone.
_ONE_CLASS = (
  'clients.num_clients=10',
  'dataset.num_train=null',
  'dataset.partition={name: k_label, num_labels: 1, seed: 1}',
)


def _check(*changes):
  experiment = small_experiment.load(*changes)
  assembled = assembly.assemble(experiment, '')
  attack_checks.check_attack(experiment, assembled)
  return assembled


def _holders(label, *changes):
  """Returns the clients that hold a class, and those that do not."""
  federation = assembly.assemble(small_experiment.load(*changes), '').federation
  holds = [label in federation.client(i).y for i in range(10)]
  return np.flatnonzero(holds).tolist(), np.flatnonzero(~np.array(holds))


def _attack(name, indices, **options):
  given = {'name': name, 'num_byzantine': len(indices), **options}
  given['indices'] = list(map(int, indices))
  return f'attack={given}'.replace("'", '')


BADNETS = {'source_label': 4, 'target_label': 1, 'poison_fraction': 1.0}


class TestExamples:
  @pytest.mark.parametrize(
    ('name', 'options'),
    [
      ('label_flip', {'source_label': 4, 'target_label': 1}),
      ('badnets', BADNETS),
      ('distributed_backdoor', BADNETS),
      (
        'model_replacement',
        {'attack': {'name': 'badnets', **BADNETS}, 'scale': 3},
      ),
      (
        'flip_and_ascent',
        {'flip': {'name': 'label_flip', 'source_label': 4, 'target_label': 1}},
      ),
    ],
  )
  def test_attackers_without_the_class_are_refused_by_name(self, name, options):
    holders, others = _holders(4, *_ONE_CLASS)
    change = _attack(name, others[:2], **options)
    with pytest.raises(ValueError) as error:
      _check(*_ONE_CLASS, change)
    text = str(error.value)
    first, second = others[:2]
    assert f'clients {first}, {second} hold no example of class 4' in text
    assert 'placement: holders' in text and 'Nobody would attack' in text
    _check(*_ONE_CLASS, _attack(name, holders, **options))

  def test_some_attackers_without_the_class_are_warned_of(self, caplog):
    holders, others = _holders(4, *_ONE_CLASS)
    _check(*_ONE_CLASS, _attack('badnets', [holders[0], others[3]], **BADNETS))
    (record,) = caplog.records
    assert record.levelname == 'WARNING'
    assert f'clients {others[3]} hold no example' in record.getMessage()

  def test_an_untargeted_attack_may_act_otherwise(self, caplog):
    experiment = small_experiment.load()
    assembled = assembly.assemble(experiment, '')

    def check(**hooks):
      same = lambda x, y, context: (x, y)
      plan = dataclasses.replace(
        assembled.plan.attack, attack=Attack('lazy', poison=same, **hooks)
      )
      attacked = dataclasses.replace(assembled.plan, attack=plan)
      attack_checks.check_attack(
        experiment, dataclasses.replace(assembled, plan=attacked)
      )

    message = 'clients 0 hold no example that it changes, so that lazy'
    with pytest.raises(ValueError, match=message):
      check()
    with pytest.raises(ValueError, match=message):
      check(project=lambda weights, context: weights)  # A bound, no attack.
    assert not caplog.records
    check(update=lambda update, context: -update)
    assert message in caplog.text

  def test_a_share_too_small_for_a_batch_is_refused(self):
    # floor(0.05 * 8 + 1/2) = 0 of a batch of 8, 1 of one of 10.
    change = _attack('badnets', [0, 1], poison_fraction=0.05)
    with pytest.raises(ValueError, match='in none of the batches of 8 of the'):
      _check(change, 'dataset.num_train=null')
    _check(change, 'dataset.num_train=null', 'clients.batch_size=10')

  def test_what_changes_examples_passes_in_silence(self, caplog):
    for name in ('label_permutation', 'label_random', 'label_shuffle'):
      _check(_attack(name, [2]), 'dataset.num_train=null')
    for name in ('alie', 'sign_flip', 'gaussian_noise'):
      _check(_attack(name, [0, 2, 3]))
    _check('attack=null')
    assert not caplog.records


class TestParticipation:
  def test_an_attack_behind_the_last_round_is_warned_of(self, caplog):
    _check('rounds=4', 'attack.start_round=5')
    (record,) = caplog.records
    assert record.levelname == 'WARNING'
    assert (
      'nobody attacks in this run: attack.start_round is 5, and rounds 4'
      in (record.getMessage())
    )

  def test_attacked_rounds_without_attackers_are_warned_of(self, caplog):
    # Attackers take part in rounds 2 and 4, the attack runs in 1 and 3.
    selection = (
      'clients.selection=attack_frequency',
      'clients.attack_frequency=0.5',
      'clients.num_selected=3',
    )
    _check(*selection, 'attack.start_round=2', 'attack.every=2')
    assert not caplog.records
    _check(*selection, 'attack.start_round=1', 'attack.every=2')
    assert 'nobody attacks in this run: in the attacked rounds' in caplog.text
    assert 'none of the malicious clients 0.' in caplog.text

  def test_a_draw_that_misses_the_attackers_is_warned_of(self, caplog):
    changes = (
      'clients.selection=uniform',
      'clients.num_selected=1',
      'attack.start_round=4',
      'server.aggregator=mean',
    )
    drawn = assembly.select_clients(
      small_experiment.load(*changes), np.zeros(6, bool), 4
    )
    _check(*changes, f'attack.indices={drawn.tolist()}')
    assert not caplog.records
    other = (int(drawn[0]) + 1) % 6
    _check(*changes, f'attack.indices=[{other}]')
    assert f'none of the malicious clients {other}.' in caplog.text


class TestHolders:
  def test_attackers_are_placed_where_the_class_is(self):
    holders, _ = _holders(4, *_ONE_CLASS)
    change = _attack('badnets', [0], **BADNETS, placement='holders')
    change = change.replace(', indices: [0]', '')
    assembled = _check(*_ONE_CLASS, change)
    assert np.flatnonzero(assembled.malicious).tolist() == holders

  def test_they_are_drawn_from_the_seed(self):
    changes = (
      'clients.num_clients=10',
      'dataset.num_train=null',
      'dataset.partition={name: k_label, num_labels: 3, seed: 1}',
      'attack={name: label_flip, num_byzantine: 2, placement: holders}',
      'server.aggregator=mean',
    )
    holders, _ = _holders(1, *changes)
    assert len(holders) >= 3
    drawn = {
      tuple(np.flatnonzero(_check(*changes, f'seed={seed}').malicious))
      for seed in (1, 2, 3, 4, 5, 6)
    }
    assert len(drawn) > 1
    assert set().union(*drawn) <= set(holders)

  def test_fewer_holders_than_attackers_are_refused(self):
    change = 'attack={name: label_flip, num_byzantine: 2, placement: holders}'
    with pytest.raises(ValueError) as error:
      _check(*_ONE_CLASS, change)
    text = str(error.value)
    assert 'holders of class 1 are 1 of 10 clients' in text
    assert 'num_byzantine=2' in text
