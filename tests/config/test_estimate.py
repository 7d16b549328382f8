import pytest

from flsec import registry
from flsec.config import estimate


@pytest.fixture
def plugin(tmp_path, monkeypatch):
  """Rules with every way of taking num_byzantine."""
  monkeypatch.setattr(registry, '_plugins', [])
  path = tmp_path / 'rules.py'
  path.write_text(
    'from flsec import registry\n'
    '@registry.aggregator("needs")\n'
    'def a(*, num_byzantine: int, num_selected: Optional[int] = None): ...\n'
    '@registry.aggregator("either")\n'
    'def b(*, num_byzantine: Optional[int] = None,\n'
    '      share: Optional[float] = None): ...\n'
    '@registry.aggregator("has_default")\n'
    'def c(*, num_byzantine: int = 2): ...\n'
    '@registry.aggregator("wraps")\n'
    'def d(*, rule: Rule, others: Sequence[Rule] = ()): ...\n'
    '@registry.preaggregator("mixes")\n'
    'def e(*, num_byzantine: int): ...\n'
  )
  registry.add_plugin(str(path))


def _options(experiment):
  return experiment.server.aggregator.options


@pytest.mark.usefixtures('plugin')
class TestFill:
  def test_required_number_left_out_is_the_true_one(self, build):
    assert _options(build('server.aggregator=needs'))['num_byzantine'] == 4

  def test_given_number_stays(self, build):
    aggregator = 'server.aggregator={name: needs, num_byzantine: 7}'
    assert _options(build(aggregator))['num_byzantine'] == 7

  def test_another_null_option_does_not_stand_in_for_a_required_one(
    self, build
  ):
    aggregator = 'server.aggregator={name: needs, num_selected: 3}'
    found = _options(build(aggregator))
    assert found == {'num_byzantine': 4, 'num_selected': 3}

  def test_null_default_is_filled_where_nothing_stands_in_its_place(
    self, build
  ):
    found = _options(build('server.aggregator=either'))
    assert found == {'num_byzantine': 4, 'share': None}

  def test_null_default_stays_where_the_alternative_is_given(self, build):
    found = _options(build('server.aggregator={name: either, share: 0.1}'))
    assert found == {'num_byzantine': None, 'share': 0.1}

  def test_default_of_its_own_stays(self, build):
    found = _options(build('server.aggregator=has_default'))
    assert found == {'num_byzantine': 2}

  def test_rules_within_rules(self, build):
    found = _options(
      build('server.aggregator={name: wraps, rule: needs, others: [either]}')
    )
    assert found['rule']['num_byzantine'] == 4
    assert found['others'][0]['num_byzantine'] == 4

  def test_preaggregators(self, build):
    found = build('server.preaggregators=[mixes]').server.preaggregators
    assert found[0].options == {'num_byzantine': 4}

  def test_nobody_is_malicious_without_an_attack(self, build):
    found = build('attack=null', 'server.aggregator=needs')
    assert _options(found)['num_byzantine'] == 0

  def test_filling_twice_changes_nothing(self, build):
    once = build('server.aggregator=needs')
    assert estimate.fill(once) == once


@pytest.mark.usefixtures('plugin')
@pytest.mark.parametrize(
  'changes, told',
  [
    (['server.aggregator=needs'], 4),
    (['server.aggregator=mean'], None),
    (['server.aggregator={name: either, share: 0.1}'], None),
    (
      [
        'server.aggregator={name: wraps, rule: {name: needs, num_byzantine: 3}}'
      ],
      3,
    ),
    (
      ['server.aggregator={name: wraps, rule: needs, others: [has_default]}'],
      2,
    ),
    (
      ['server.aggregator=needs', 'server.preaggregators=[mixes]'],
      4,
    ),
    (
      [
        'server.aggregator=needs',
        'clients.selection=uniform',
        'clients.num_selected=6',
      ],
      2,  # 6 of 20 clients, 4 malicious: 1.2 are expected.
    ),
  ],
)
def test_the_number_told_is_the_smallest_that_anything_withstands(
  build, changes, told
):
  assert estimate.num_byzantine_told(build(*changes).server) == told


class TestNumberOfARound:
  @pytest.mark.parametrize(
    'changes, clients, malicious',
    [
      ((), 20, 4),
      (('attack=null',), 20, 0),
      (('clients.selection=uniform', 'clients.num_selected=10'), 10, 2),
      # 4 of 20 malicious: 1.8 expected among 9, so 2 to be withstood.
      (('clients.selection=uniform', 'clients.num_selected=9'), 9, 2),
      (('clients.selection=fixed_malicious', 'clients.num_selected=8'), 8, 4),
      (
        (
          'clients.selection=fixed_malicious',
          'clients.num_selected=8',
          'clients.num_malicious_selected=3',
        ),
        8,
        3,
      ),
      (
        (
          'clients.selection=attack_frequency',
          'clients.num_selected=8',
          'clients.attack_frequency=0.5',
        ),
        8,
        4,
      ),
    ],
  )
  def test_clients_and_malicious_ones(self, build, changes, clients, malicious):
    experiment = build(*changes)
    assert estimate.clients_of_a_round(experiment) == clients
    assert estimate.num_byzantine_of_a_round(experiment) == malicious
