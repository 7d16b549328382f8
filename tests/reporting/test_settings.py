"""What sets runs apart is found and named as a reader would."""

import pytest

from flsec.reporting import settings
from flsec.reporting.cell import Cell


def _cell(config, is_done=True):
  return Cell(None, config, '', [], is_done)


def _paths(config):
  return {c.path: (c.value, c.default) for c in settings.changed(config)}


class TestChanged:
  def test_what_differs_and_nothing_else(self, make):
    found = _paths(make.config())
    assert found['clients.epochs'] == ('2', '1')
    assert found['clients.optimizer.name'] == ('adam', 'sgd')
    assert found['dataset.partition.name'] == ('dirichlet', 'iid')
    assert found['attack.start_round'] == ('11', '1')
    for path in (
      'server.learning_rate',
      'server.preaggregators',
      'clients.batch_size',
      'attack.stop_round',
      'attack.every',
      'dataset.num_train',
      'description',
    ):
      assert path not in found

  def test_settings_without_a_default_count(self, make):
    found = _paths(make.config())
    assert found['rounds'] == ('30', settings.NO_DEFAULT)
    assert found['clients.num_clients'] == ('20', settings.NO_DEFAULT)
    assert found['model.name'] == ('lenet5', settings.NO_DEFAULT)

  def test_options_are_held_against_their_component(self, make):
    config = make.config(
      attack={'name': 'label_flip', 'source_label': 5, 'target_label': 7}
    )
    found = _paths(config)
    assert found['attack.source_label'] == ('5', '1')
    assert 'attack.target_label' not in found

  def test_an_unknown_component_shows_all_its_options(self, make):
    config = make.config(server__aggregator={'name': 'my_rule', 'slope': 3})
    found = _paths(config)
    assert found['server.aggregator.name'] == ('my_rule', 'mean')
    assert found['server.aggregator.slope'] == ('3', settings.NO_DEFAULT)

  def test_no_attack_is_no_change(self, make):
    assert not any(
      path.startswith('attack') for path in _paths(make.config(attack=None))
    )

  def test_an_empty_configuration(self):
    assert settings.changed({}) == []


@pytest.mark.parametrize(
  ('value', 'shown'),
  [
    (None, 'none'),
    (True, 'true'),
    (0.1, '0.1'),
    ([], 'none'),
    ([1, 2], '1, 2'),
    ([{'name': 'nnm', 'num_byzantine': 4}], 'name: nnm, num_byzantine: 4'),
  ],
)
def test_show(value, shown):
  assert settings.show(value) == shown


class TestVarying:
  def test_seeds_and_names_do_not_count(self, make):
    cells = [
      _cell(make.config(seed=1, name='a')),
      _cell(make.config(seed=2, name='b', description='x')),
    ]
    assert settings.varying(cells) == []

  def test_an_option_that_only_one_rule_has_is_said_by_its_name(self, make):
    cells = [
      _cell(make.config(server__aggregator={'name': 'mean'})),
      _cell(
        make.config(server__aggregator={'name': 'krum', 'num_byzantine': 4})
      ),
    ]
    assert settings.varying(cells) == ['server.aggregator.name']

  def test_an_option_that_varies_in_one_rule(self, make):
    rules = [
      {'name': 'mean'},
      {'name': 'krum', 'num_byzantine': 4},
      {'name': 'krum', 'num_byzantine': 8},
    ]
    cells = [_cell(make.config(server__aggregator=rule)) for rule in rules]
    assert settings.varying(cells) == [
      'server.aggregator.name',
      'server.aggregator.num_byzantine',
    ]

  def test_a_plain_setting(self, make):
    cells = [_cell(make.config(clients__epochs=n)) for n in (1, 2)]
    assert settings.varying(cells) == ['clients.epochs']


class TestPlaces:
  def test_defences_are_rows_and_threats_columns(self, make):
    cells = [
      _cell(make.config(attack=attack, pruning=pruning, clients__epochs=epochs))
      for attack, pruning, epochs in (
        (None, None, 1),
        ({'name': 'ipm', 'scale': 1}, {'name': 'flap'}, 1),
        ({'name': 'ipm', 'scale': 10}, {'name': 'flap'}, 2),
      )
    ]
    places = settings.places(cells)
    assert [place.defence for place in places] == ['no pruning', 'flap', 'flap']
    assert [place.threat for place in places] == [
      'epochs=1, no attack',
      'epochs=1, ipm, scale=1',
      'epochs=2, ipm, scale=10',
    ]

  def test_two_levels_of_absence_are_told_apart(self, make):
    cells = [
      _cell(make.config(attack=None)),
      _cell(make.config(attack={'name': 'alie'})),
    ]
    assert [p.threat for p in settings.places(cells)] == ['no attack', 'alie']

  def test_what_a_rule_does_without_is_not_said(self, make):
    plain = make.config()
    plain['server'] = {'aggregator': {'name': 'median'}, 'preaggregators': []}
    nested = make.config()
    nested['server'] = {
      'aggregator': {'name': 'amplified', 'rule': {'name': 'krum'}},
      'preaggregators': [{'name': 'arc'}],
    }
    cells = [_cell(plain), _cell(nested)]
    assert [place.defence for place in settings.places(cells)] == [
      'median',
      'amplified, preaggregators=name: arc, krum',
    ]

  @pytest.mark.parametrize(
    'options, labels',
    [
      # By other names an open option need not be said; alone it has to be.
      (
        [{'name': 'rop', 'scale': None}, {'name': 'rop', 'scale': 2}],
        ['scale=none', 'scale=2'],
      ),
      (
        [{'name': 'alie', 'scale': None}, {'name': 'rop', 'scale': 2},
         {'name': 'alie', 'scale': 1}],
        ['alie', 'rop, scale=2', 'alie, scale=1'],
      ),
    ],
  )  # fmt: skip
  def test_an_option_left_open(self, make, options, labels):
    cells = [_cell(make.config(attack=attack)) for attack in options]
    assert [place.threat for place in settings.places(cells)] == labels

  def test_order(self):
    labels = ['scale=10', 'no attack', 'scale=9', 'alie', 'scale=9']
    assert settings.in_order(labels) == [
      'no attack', 'alie', 'scale=9', 'scale=10',
    ]  # fmt: skip
