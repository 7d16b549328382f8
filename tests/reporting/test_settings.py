"""What differs from the defaults is found, and shown as it is written."""

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

  def test_a_section_that_says_nothing_but_that_it_is_there(self, make):
    given = {'crop_padding': 4, 'flip': True}
    found = _paths(make.config(clients__augmentation=given))
    assert found['clients.augmentation'] == (
      '(crop_padding=4, flip=true)',
      'none',
    )
    assert 'clients.augmentation' not in _paths(make.config())
    found = _paths(make.config(clients__augmentation={**given, 'flip': False}))
    assert found['clients.augmentation.flip'] == ('false', 'true')

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
    ({'size': 100, 'source': 'train'}, '(size=100, source=train)'),
    ({'name': 'arc'}, 'arc'),
    ([{'name': 'nnm', 'num_byzantine': 4}], 'nnm(num_byzantine=4)'),
  ],
)
def test_show(value, shown):
  assert settings.show(value) == shown
