import math

import pytest

from flsec.config import validate
from flsec.config.errors import ConfigError

_UNIFORM = ('clients.selection=uniform', 'clients.num_selected=10')
_FIXED = ('clients.selection=fixed_malicious', 'clients.num_selected=10')
_FREQUENCY = (
  'clients.selection=attack_frequency',
  'clients.num_selected=10',
  'clients.attack_frequency=0.5',
)


class TestRanges:
  @pytest.mark.parametrize(
    'change, message',
    [
      ('rounds=0', 'rounds: must be at least 1; found 0'),
      ('seed=-1', 'seed: must be at least 0 and at most 2147483647; found -1'),
      ('clients.num_clients=0', 'clients.num_clients: must be at least 1'),
      ('clients.epochs=0', 'clients.epochs: must be at least 1'),
      ('clients.batch_size=-3', 'clients.batch_size: must be at least 1'),
      (
        'clients.momentum=1',
        'clients.momentum: must be at least 0 and below 1',
      ),
      (
        'clients.optimizer.learning_rate=0',
        'clients.optimizer.learning_rate: must be above 0; found 0',
      ),
      (
        'clients.optimizer.decay_rounds=[3, 0]',
        'clients.optimizer.decay_rounds.1: must be at least 1; found 0',
      ),
      (
        'server.learning_rate=.inf',
        'server.learning_rate: must be a finite number; found inf',
      ),
      (
        'clients.optimizer.epsilon=.nan',
        'clients.optimizer.epsilon: must be a finite number; found nan',
      ),
      ('evaluation.every=0', 'evaluation.every: must be at least 1'),
      ('runtime.threads=0', 'runtime.threads: must be at least 1'),
      ('attack.start_round=0', 'attack.start_round: must be at least 1'),
      ('dataset.num_train=0', 'dataset.num_train: must be at least 1'),
    ],
  )
  def test_bound_and_value_are_named(self, build, change, message):
    with pytest.raises(ConfigError) as error:
      build(change)
    assert message in str(error.value)

  def test_range_in_words(self):
    words = validate.range_in_words({'above': 0, 'maximum': 1})
    assert words == 'above 0 and at most 1'

  @pytest.mark.parametrize(
    'change', ['rounds=1', 'seed=0', 'clients.momentum=0.99', 'rounds=100000']
  )
  def test_ends_of_a_range_are_legal(self, build, change):
    assert build(change)

  def test_bounds_of_the_schema_hold_for_its_defaults(self, build):
    # Otherwise an experiment that leaves a value out would be refused.
    assert math.isfinite(build().clients.optimizer.epsilon)


class TestCombinations:
  @pytest.mark.parametrize(
    'changes, message',
    [
      (['name=a/b'], 'name: names the run directory, so it starts with'),
      (['name=..'], 'name: names the run directory'),
      (['name=""'], 'name: names the run directory'),
      (['name="a\\n"'], 'name: names the run directory'),
      (
        ['attack.num_byzantine=20'],
        'attack.num_byzantine: must be below clients.num_clients, which is 20; '
        'found 20',
      ),
      (
        ['attack.start_round=5', 'attack.stop_round=4'],
        'attack.stop_round: must be at least attack.start_round, which is 5; '
        'found 4',
      ),
      (
        ['attack.indices=[1, 2, 3, 4]', 'attack.placement=holders'],
        'attack.indices: says which clients are malicious, and so does '
        'attack.placement: holders',
      ),
      (
        ['attack.indices=[1, 2]'],
        'attack.indices: must name attack.num_byzantine = 4 different clients; '
        'found [1, 2]',
      ),
      (['attack.indices=[1, 2, 3, 3]'], 'attack.indices: must name'),
      (
        ['attack.indices=[1, 2, 3, 20]'],
        'attack.indices: clients are numbered 0 to 19; found 20',
      ),
      (
        ['clients.moving_statistics=dropped'],
        'clients.moving_statistics: is dropped, but tests would normalise by '
        'them',
      ),
      (
        [
          'clients.moving_statistics=dropped',
          'evaluation.batch_statistics=true',
          'dataset.validation={size: 5}',
        ],
        'clients.moving_statistics: is dropped, but dataset.validation reads',
      ),
      (
        [
          'clients.moving_statistics=dropped',
          'evaluation.batch_statistics=true',
          'pruning=flap',
        ],
        'clients.moving_statistics: is dropped, but pruning reads them',
      ),
      (
        [
          'clients.moving_statistics=dropped',
          'evaluation.batch_statistics=true',
          'phases=[train, fine_tune]',
        ],
        'clients.moving_statistics: is dropped, but phases reads them',
      ),
      (
        ['attack.training={}'],
        'attack.training: says nothing. Give, say, `{epochs: 5}`',
      ),
      (
        ['attack.training={epochs: 0}'],
        'attack.training.epochs: must be at least 1; found 0',
      ),
      (
        ['attack.training={epochs: 2, steps: 3}'],
        'attack.training.steps: is 3 beside epochs: 2',
      ),
      (
        ['attack.training={steps: 3, batches: 2}'],
        'attack.training.batches: are those of an epoch, but attackers train '
        '3 steps',
      ),
      (
        ['clients.batch_size=24', 'attack.training={num_poisoned: 25}'],
        'attack.training.num_poisoned: must be at most clients.batch_size, '
        'which is 24; found 25',
      ),
      (
        ['attack.training={optimizer: adam}'],
        "attack.training.learning_rate: is missing; the clients' 0.1 belongs "
        'to sgd, and attack.training.optimizer is adam',
      ),
      (
        ['attack.training={epoch: 2}'],
        "attack.training.epoch: Unknown key of attack.training: 'epoch'; did "
        "you mean 'epochs'",
      ),
      (
        ['attack.indices=[1, 2, 3, 4]', 'attack.placement=sampled'],
        'attack.indices: says which clients are malicious, and so does',
      ),
      (
        ['clients.num_selected=10'],
        'clients.num_selected: is 10, but clients.selection: all takes all 20',
      ),
      (
        ['clients.selection=uniform'],
        'clients.num_selected: is missing; clients.selection: uniform needs it',
      ),
      (
        ['clients.selection=uniform', 'clients.num_selected=21'],
        'clients.num_selected: must be at most clients.num_clients, which is '
        '20; found 21',
      ),
      (
        [*_UNIFORM, 'clients.num_malicious_selected=2'],
        'clients.num_malicious_selected: only means something with '
        'clients.selection: fixed_malicious or attack_frequency; found '
        'selection: uniform',
      ),
      (
        [*_FIXED, 'clients.attack_frequency=0.5'],
        'clients.attack_frequency: only means something with',
      ),
      (
        [*_FIXED, 'clients.num_malicious_selected=5'],
        'clients.num_malicious_selected: must be at most 4',
      ),
      (
        [*_FIXED, 'attack=null'],
        'clients.selection: fixed_malicious chooses malicious clients, but the '
        'experiment has none',
      ),
      (
        [*_FREQUENCY, 'clients.attack_frequency=null'],
        'clients.attack_frequency: is missing',
      ),
      (
        [*_FREQUENCY, 'clients.num_selected=18'],
        'clients.num_selected: needs 18 honest clients in a round, but there '
        'are 16 (20 clients, 4 malicious). Lower it by 2',
      ),
      (
        [*_FIXED, 'clients.num_selected=2'],
        'clients.num_malicious_selected: must be at most 2',
      ),
      (
        ['dataset.num_train=10'],
        'dataset.num_train: leaves clients without an example: 10 for 20',
      ),
      (['dataset.root={size: 0}'], 'dataset.root.size: must be at least 1'),
      (
        ['dataset.validation={size: 5, source: tset}'],
        'dataset.validation.source: expected one of train, test; found',
      ),
      (
        ['clients.optimizer={name: adam, learning_rate: 1, momentum: 0.5}'],
        'clients.optimizer.momentum: belongs to sgd; found 0.5 with adam',
      ),
      (
        ['runtime.context=tff_remote'],
        'runtime.workers: context: tff_remote needs at least one `host:port`',
      ),
      (['runtime.workers=["a:1"]'], 'runtime.workers: context: tff_remote'),
      (
        ['runtime.context=tff_remote', 'runtime.workers=["a:1", "b"]'],
        "runtime.workers.1: expected `host:port`; found 'b'",
      ),
      (
        ['runtime.context=tff_local', 'runtime.device=gpu'],
        'runtime.device: gpu needs runtime.context: in_process',
      ),
    ],
  )
  def test_impossible_ones_are_refused(self, build, changes, message):
    with pytest.raises(ConfigError) as error:
      build(*changes)
    assert message in str(error.value)

  @pytest.mark.parametrize(
    'changes',
    [
      [],
      ['attack=null'],
      ['attack.num_byzantine=0'],
      ['attack.num_byzantine=19'],
      ['attack.indices=[0, 5, 9, 19]'],
      ['attack.placement=sampled'],
      ['attack.start_round=9', 'attack.stop_round=9'],
      ['clients.num_selected=20'],
      _UNIFORM,
      _FIXED,
      [*_FIXED, 'clients.num_malicious_selected=4', 'clients.num_selected=4'],
      _FREQUENCY,
      [*_FREQUENCY, 'clients.num_selected=16'],
      ['dataset.num_train=20'],
      ['dataset.root={size: 1}', 'dataset.validation={size: 2, source: test}'],
      ['runtime.context=tff_remote', 'runtime.workers=["10.0.0.1:8000"]'],
      ['name=flap_lenet5-v1.2'],
    ],
  )
  def test_possible_ones_pass(self, build, changes):
    assert build(*changes)
