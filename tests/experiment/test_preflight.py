import pytest

from flsec.config import loading, overrides
from flsec.config.errors import ConfigError
from flsec.experiment import preflight

_RAW = {
  'name': 'small',
  'rounds': 2,
  'dataset': {'name': 'digits'},
  'model': 'lenet5',
  'clients': {'num_clients': 18, 'optimizer': {'learning_rate': 0.1}},
  'attack': {'name': 'label_flip', 'num_byzantine': 4},
}


def _check(*changes):
  flags = [overrides.parse(text) for text in changes]
  experiment = loading.from_mapping(overrides.apply(_RAW, flags))
  preflight.check_components(experiment)


@pytest.mark.parametrize(
  ('attack', 'message'),
  [
    # Attacks that the shape of the data finishes.
    (
      '{name: badnets, poison_fraction: 2.0}',
      'poison_fraction must be above 0',
    ),
    ('{name: edge_case, file: none.npz}', 'edge_case cannot read none.npz'),
    ('{name: label_flip, source_label: -1}', 'source_label'),
  ],
)
def test_an_attack_that_refuses_its_options_is_named(attack, message):
  with pytest.raises(ConfigError, match=rf'attack: .*{message}'):
    _check(f'attack={attack[:-1]}, num_byzantine: 4}}')


class TestEnoughClients:
  @pytest.mark.parametrize(
    'changes, needs, legal',
    [
      (['server.aggregator=bulyan'], 19, 3),
      (['server.aggregator={name: krum, num_byzantine: 9}'], 21, 7),
      (
        [
          'server.aggregator={name: krum, num_byzantine: 4}',
          'clients.selection=uniform',
          'clients.num_selected=8',
        ],
        11,
        2,
      ),
      (['server.aggregator={name: trimmed_mean, num_byzantine: 9}'], 19, 8),
      # No number is searched for longer than there are clients.
      (
        [f'server.aggregator={{name: krum, num_byzantine: {2**62}}}'],
        2**63 + 3,
        7,
      ),
    ],
  )
  def test_bound_and_way_out_are_named(self, changes, needs, legal):
    with pytest.raises(ConfigError) as error:
      _check(*changes)
    text = str(error.value)
    assert text.startswith('server.aggregator: ')
    assert f'needs at least {needs} clients in a round' in text
    assert f'Lower num_byzantine to {legal}, or select at least {needs}' in text

  @pytest.mark.parametrize('lower', [0, 1])
  def test_way_out_works(self, lower):
    _check(f'server.aggregator={{name: bulyan, num_byzantine: {3 - lower}}}')

  @pytest.mark.parametrize('policy', ['mean', 'skip'])
  def test_server_that_says_what_to_do_is_taken_at_its_word(self, policy):
    _check('server.aggregator=bulyan', f'server.on_too_few={policy}')

  def test_true_number_is_enough(self):
    for rule in ('mean', 'median', 'trimmed_mean', 'krum', 'multi_krum'):
      _check(f'server.aggregator={rule}')


class TestComponents:
  @pytest.mark.parametrize(
    'change, path',
    [
      ('attack.target_label=1', 'attack: '),
      ('attack.target_label=-1', 'attack: '),
      (
        'attack.compose=[{name: label_flip, source_label: 7}]',
        'attack.compose.0: ',
      ),
      ('pruning={name: flap, fraction: 2.0}', 'pruning: '),
      (
        'server.aggregator={name: trimmed_mean, trim_fraction: 0.7}',
        'server.a',
      ),
    ],
  )
  def test_refused_option_names_the_component(self, change, path):
    with pytest.raises(ConfigError) as error:
      _check(change)
    assert str(error.value).startswith(path)

  @pytest.mark.parametrize(
    'change',
    [
      'attack={name: sign_flip, num_byzantine: 4}',
      'attack={name: label_complement, num_byzantine: 4}',
      # Where its trigger fits depends on the data.
      'attack={name: badnets, num_byzantine: 4}',
      'pruning=flap',
      'attack=null',
    ],
  )
  def test_what_fits_passes(self, change):
    _check(change)


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
      _check('clients.num_clients=10', *changes)

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
    _check('clients.num_clients=10', change)

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
      _check('clients.num_clients=10', change)

  def test_poisoned_examples_of_a_batch_need_a_class(self):
    training = 'training: {num_poisoned: 3}'
    with pytest.raises(
      ConfigError,
      match=r"attack\.training\.num_poisoned: means examples of the attack's",
    ):
      _check(f'attack={{name: label_complement, num_byzantine: 2, {training}}}')
    _check(f'attack={{name: label_flip, num_byzantine: 2, {training}}}')

  def test_sharing_needs_attackers_that_see_each_other(self):
    compose = 'compose: [shared_update]'
    with pytest.raises(ConfigError, match='works from at least 2 rows'):
      _check(
        f'attack={{name: label_flip, num_byzantine: 2, {compose}, '
        'knowledge: none}'
      )
    _check(f'attack={{name: label_flip, num_byzantine: 2, {compose}}}')

  def test_holders_need_a_class(self):
    with pytest.raises(ConfigError, match=r'attack\.placement: holders are'):
      _check('attack={name: badnets, num_byzantine: 2, placement: holders}')
    _check('attack={name: label_flip, num_byzantine: 2, placement: holders}')
    _check(
      'attack={name: sign_flip, num_byzantine: 2, placement: holders, '
      'compose: [{name: badnets, source_label: 9}, label_flip]}'
    )


class TestNeeds:
  @pytest.fixture
  def plugin(self, tmp_path, monkeypatch):
    from flsec import registry

    monkeypatch.setattr(registry, '_plugins', [])
    (tmp_path / 'needy.py').write_text(
      'from flsec import registry\n'
      'from flsec.aggregators.rule import Rule\n'
      '@registry.aggregator("needy", paper="")\n'
      'def needy():\n'
      '  """Needs a root set."""\n'
      '  return Rule("needy", None, needs=frozenset({"root"}))\n'
    )
    registry.add_plugin(str(tmp_path / 'needy.py'))

  @pytest.mark.usefixtures('plugin')
  def test_examples_of_the_server(self):
    with pytest.raises(
      ConfigError, match=r'dataset\.root: is missing; .*needy'
    ):
      _check('server.aggregator=needy')
    _check('server.aggregator=needy', 'dataset.root={size: 50}')


class TestFeder:
  """What is wrong with it is said before data are read or a round runs."""

  _SETS = ('dataset.root={size: 20}', 'dataset.validation={size: 20}')

  @pytest.mark.parametrize(
    ('options', 'message'),
    [
      (
        'max_fraction: 1.0',
        r'max_fraction \(Gamma\) must be above 0 and below',
      ),
      ('max_fraction: 0.0', 'got 0.0'),
      ('fraction: 1.0', r'fraction \(p\) must be above 0 and below 1; got 1.0'),
      ('min_benign_fraction: 0', r'min_benign_fraction \(epsilon\) must be'),
      ('min_benign_fraction: 1.5', 'got 1.5'),
    ],
  )
  def test_options_out_of_range(self, options, message):
    with pytest.raises(ConfigError, match=message):
      _check(*self._SETS, f'server.aggregator={{name: feder, {options}}}')

  def test_sets_that_are_missing(self):
    root, validation = self._SETS
    with pytest.raises(ConfigError, match=r'dataset\.validation: is miss'):
      _check(root, 'server.aggregator=feder')
    with pytest.raises(ConfigError, match=r'dataset\.root: is missing'):
      _check(validation, 'server.aggregator=feder')
    _check(*self._SETS, 'server.aggregator=feder')
    # A fixed share asks for no accuracy.
    _check(root, 'server.aggregator={name: feder, fraction: 0.9}')


class TestSpace:
  def test_of_an_attack_that_crafts_nothing_is_refused(self):
    with pytest.raises(ConfigError, match=r'attack\.space: only means'):
      _check('attack.space=update')

  @pytest.mark.parametrize('space', ['gradient', 'update'])
  def test_of_one_that_crafts_passes(self, space):
    _check('attack.name=alie', f'attack.space={space}')
