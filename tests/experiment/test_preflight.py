import checked_experiment
import pytest

from flsec.config.errors import ConfigError


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
    checked_experiment.check(f'attack={attack[:-1]}, num_byzantine: 4}}')


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
      checked_experiment.check(*changes)
    text = str(error.value)
    assert text.startswith('server.aggregator: ')
    assert f'needs at least {needs} clients in a round' in text
    assert f'Lower num_byzantine to {legal}, or select at least {needs}' in text

  @pytest.mark.parametrize('lower', [0, 1])
  def test_way_out_works(self, lower):
    checked_experiment.check(
      f'server.aggregator={{name: bulyan, num_byzantine: {3 - lower}}}'
    )

  @pytest.mark.parametrize('policy', ['mean', 'skip'])
  def test_server_that_says_what_to_do_is_taken_at_its_word(self, policy):
    checked_experiment.check(
      'server.aggregator=bulyan', f'server.on_too_few={policy}'
    )

  def test_true_number_is_enough(self):
    for rule in ('mean', 'median', 'trimmed_mean', 'krum', 'multi_krum'):
      checked_experiment.check(f'server.aggregator={rule}')


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
      checked_experiment.check(change)
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
    checked_experiment.check(change)


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
      checked_experiment.check('server.aggregator=needy')
    checked_experiment.check(
      'server.aggregator=needy', 'dataset.root={size: 50}'
    )


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
      checked_experiment.check(
        *self._SETS, f'server.aggregator={{name: feder, {options}}}'
      )

  def test_sets_that_are_missing(self):
    root, validation = self._SETS
    with pytest.raises(ConfigError, match=r'dataset\.validation: is miss'):
      checked_experiment.check(root, 'server.aggregator=feder')
    with pytest.raises(ConfigError, match=r'dataset\.root: is missing'):
      checked_experiment.check(validation, 'server.aggregator=feder')
    checked_experiment.check(*self._SETS, 'server.aggregator=feder')
    # A fixed share asks for no accuracy.
    checked_experiment.check(
      root, 'server.aggregator={name: feder, fraction: 0.9}'
    )
