"""What sets runs apart is found and named as a reader would."""

import pathlib

import pytest

from flsec.reporting import places
from flsec.reporting.cell import Cell
from flsec.reporting.places import Place


def _cell(config, is_done=True, path=None):
  return Cell(path, config, '', [], is_done)


class TestVarying:
  def test_seeds_and_names_do_not_count(self, make):
    cells = [
      _cell(make.config(seed=1, name='a')),
      _cell(make.config(seed=2, name='b', description='x')),
    ]
    assert places.varying(cells) == []

  def test_an_option_that_only_one_rule_has_is_said_by_its_name(self, make):
    cells = [
      _cell(make.config(server__aggregator={'name': 'mean'})),
      _cell(
        make.config(server__aggregator={'name': 'krum', 'num_byzantine': 4})
      ),
    ]
    assert places.varying(cells) == ['server.aggregator.name']

  def test_an_option_that_varies_in_one_rule(self, make):
    rules = [
      {'name': 'mean'},
      {'name': 'krum', 'num_byzantine': 4},
      {'name': 'krum', 'num_byzantine': 8},
    ]
    cells = [_cell(make.config(server__aggregator=rule)) for rule in rules]
    assert places.varying(cells) == [
      'server.aggregator.name',
      'server.aggregator.num_byzantine',
    ]

  def test_a_plain_setting(self, make):
    cells = [_cell(make.config(clients__epochs=n)) for n in (1, 2)]
    assert places.varying(cells) == ['clients.epochs']


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
    found = places.places(cells)
    assert [place.defence for place in found] == ['no pruning', 'flap', 'flap']
    assert [place.threat for place in found] == [
      'epochs=1, no attack',
      'epochs=1, ipm, scale=1',
      'epochs=2, ipm, scale=10',
    ]

  def test_two_levels_of_absence_are_told_apart(self, make):
    cells = [
      _cell(make.config(attack=None)),
      _cell(make.config(attack={'name': 'alie'})),
    ]
    assert [p.threat for p in places.places(cells)] == ['no attack', 'alie']

  def test_what_a_rule_does_without_is_not_said(self, make):
    plain = make.config()
    plain['server'] = {'aggregator': {'name': 'median'}, 'preaggregators': []}
    nested = make.config()
    nested['server'] = {
      'aggregator': {'name': 'amplified', 'rule': {'name': 'krum'}},
      'preaggregators': [{'name': 'arc'}],
    }
    cells = [_cell(plain), _cell(nested)]
    assert [place.defence for place in places.places(cells)] == [
      'median',
      'amplified, krum, arc',
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
    assert [place.threat for place in places.places(cells)] == labels

  def _rows(self, make, *rows):
    """Returns the labels of rules with learning rates of the server."""
    cells = []
    for rule, rate in rows:
      config = make.config()
      config['server'] = {'aggregator': {'name': rule}, 'learning_rate': rate}
      cells.append(_cell(config))
    return [place.defence for place in places.places(cells)]

  def test_a_value_that_one_rule_alone_does_not_have_goes_without_saying(
    self, make
  ):
    assert self._rows(
      make, ('mean', 1.0), ('sign_majority', 0.005), ('krum', 1.0)
    ) == ['mean', 'sign_majority, learning_rate=0.005', 'krum']

  def test_no_value_is_usual_where_each_rule_has_its_own(self, make):
    assert self._rows(make, ('mean', 1.0), ('krum', 0.5)) == [
      'mean, learning_rate=1.0',
      'krum, learning_rate=0.5',
    ]

  def test_a_value_that_one_rule_varies_is_always_said(self, make):
    labels = self._rows(
      make, ('mean', 1.0), ('krum', 1.0), ('median', 1.0), ('krum', 0.5)
    )
    assert labels[1:] == [
      'krum, learning_rate=1.0',
      'median, learning_rate=1.0',
      'krum, learning_rate=0.5',
    ]

  def test_the_usual_value_is_said_of_who_has_no_name(self, make):
    cells = []
    for name, rate in ((None, 1.0), ('arc', 1.0), ('clipping', 0.5)):
      config = make.config()
      config['server'] = {
        'aggregator': {'name': 'mean'},
        'preaggregators': [{'name': name}] if name else [],
        'learning_rate': rate,
      }
      cells.append(_cell(config))
    assert [place.defence for place in places.places(cells)] == [
      'learning_rate=1.0',
      'arc',
      'learning_rate=0.5, clipping',
    ]

  def test_order(self):
    labels = ['scale=10', 'no attack', 'scale=9', 'alie', 'scale=9']
    assert places.in_order(labels) == [
      'no attack', 'alie', 'scale=9', 'scale=10',
    ]  # fmt: skip


def _rule(make, name, assumed, true, **more):
  """Returns a run with `true` malicious clients; its rule assumes others."""
  attack = true and {'name': 'alie', 'num_byzantine': true}
  aggregator = {'name': name, 'num_byzantine': assumed}
  changes = {'server__aggregator': aggregator, 'attack': attack or None}
  return _cell(make.config(**changes, **more))


class TestEstimates:
  """`num_byzantine` of a rule that follows the attack is no choice."""

  def test_a_sweep_over_f_is_one_row_a_rule(self, make):
    cells = [
      _rule(make, rule, f, f)
      for rule in ('krum', 'trimmed_mean')
      for f in (0, 2, 4)
    ]
    found = places.places(cells)
    assert [p.defence for p in found] == ['krum'] * 3 + ['trimmed_mean'] * 3
    assert [p.threat for p in found[:3]] == [
      'no attack', 'alie, num_byzantine=2', 'alie, num_byzantine=4',
    ]  # fmt: skip

  def test_attacks_with_different_f_are_one_row_a_rule(self, make):
    cells = [_rule(make, 'krum', f, f) for f in (2, 4)]
    cells[1].config['attack']['name'] = 'label_flip'
    assert places.places(cells) == [
      Place('', 'alie'), Place('', 'label_flip'),
    ]  # fmt: skip

  def test_estimates_that_are_chosen_are_told_apart(self, make):
    cells = [_rule(make, 'trimmed_mean', f, 16) for f in (8, 16, 24)]
    assert [p.defence for p in places.places(cells)] == [
      'num_byzantine=8', 'num_byzantine=16', 'num_byzantine=24',
    ]  # fmt: skip

  def test_a_fixed_estimate_under_a_varied_attack(self, make):
    cells = [_rule(make, 'krum', 4, f) for f in (0, 2, 4)]
    assert {p.defence for p in places.places(cells)} == {''}

  def test_of_a_round_where_clients_are_drawn(self, make):
    # 10 of 20 clients a round, so 1 of 2 and 2 of 4 malicious ones.
    drawn = {
      'num_clients': 20, 'num_selected': 10, 'selection': 'uniform',
      'optimizer': {'learning_rate': 0.1},
    }  # fmt: skip
    cells = [_rule(make, 'krum', f, 2 * f, clients=drawn) for f in (1, 2)]
    assert {p.defence for p in places.places(cells)} == {''}

  def test_inside_other_rules_and_before_them(self, make):
    cells = []
    for f in (2, 4):
      config = make.config(attack={'name': 'alie', 'num_byzantine': f})
      krum = {'name': 'krum', 'num_byzantine': f}
      config['server'] = {
        'aggregator': {'name': 'amplified', 'rule': krum},
        'preaggregators': [{'name': 'arc', 'num_byzantine': f}],
      }
      cells.append(_cell(config))
    assert {p.defence for p in places.places(cells)} == {''}

  def test_an_incomplete_configuration_is_taken_as_it_is(self):
    rule = {'name': 'krum', 'num_byzantine': 2}
    cells = [
      _cell({'server': {'aggregator': rule}, 'attack': attack})
      for attack in (None, {'name': 'alie', 'num_byzantine': 4})
    ]
    assert [p.threat for p in places.places(cells)] == ['no attack', 'alie']


class TestApart:
  """Two runs of one seed are no two draws of one experiment."""

  def test_runs_of_different_lengths(self, make):
    cells = [_cell(make.config(rounds=n, seed=n)) for n in (30, 80)]
    assert [p.threat for p in places.places(cells)] == [
      'rounds=30', 'rounds=80',
    ]  # fmt: skip

  def test_mixed_precision_changes_results_and_threads_do_not(self, make):
    cells = [
      _cell(make.config(seed=i, runtime={'mixed_precision': m, 'threads': t}))
      for i, (m, t) in enumerate([(False, 1), (False, 2), (True, 2)])
    ]
    assert [p.threat for p in places.places(cells)] == [
      'mixed_precision=false', 'mixed_precision=false', 'mixed_precision=true',
    ]  # fmt: skip

  def test_experiments_with_the_same_settings_by_their_names(self, make):
    cells = [_cell(make.config(name=name)) for name in ('old', 'new')]
    assert [p.threat for p in places.places(cells)] == ['old', 'new']

  def test_experiments_of_one_name_by_their_folders(self, make):
    cells = [
      _cell(make.config(seed=seed), path=pathlib.Path(f'{top}/x/seed={seed}'))
      for top in ('a', 'b')
      for seed in (1, 2)
    ]
    assert [p.threat for p in places.places(cells)] == [
      'a/x', 'a/x', 'b/x', 'b/x',
    ]  # fmt: skip

  def test_seeds_of_one_experiment_share_a_place(self, make):
    cells = [_cell(make.config(seed=n, name=str(n))) for n in (1, 2)]
    assert set(places.places(cells)) == {Place('', '')}
