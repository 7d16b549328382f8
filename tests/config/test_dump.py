import dataclasses

import pytest

from flsec import registry
from flsec.config import dump, loading, yaml_file


def _reloaded(experiment):
  return loading.from_mapping(yaml_file.parse(dump.to_yaml(experiment), ''))


class TestRoundTrip:
  @pytest.mark.parametrize(
    'changes',
    [
      [],
      ['attack=null', 'pruning=flap'],
      ['server.aggregator=trimmed_mean'],
      ['server.aggregator={name: krum, num_byzantine: 2}'],
      ['attack.indices=[3, 1, 2, 19]', 'attack.stop_round=9'],
      ['attack.compose=[sign_flip, {name: label_flip, target_label: 3}]'],
      ['dataset.root={size: 10}', 'dataset.partition={name: iid, seed: 4}'],
      ['clients.optimizer.decay_rounds=[2]', 'clients.steps=3'],
      ['model={name: mlp, hidden: [4]}', 'description="a: b # c"'],
      ['clients.optimizer.epsilon=1e-9', 'server.on_too_few=skip'],
      ['dataset={name: texas100, num_train: 100}', 'clients.num_clients=10'],
    ],
  )
  def test_written_experiment_loads_back_equal(self, build, changes):
    experiment = build(*changes)
    assert _reloaded(experiment) == experiment

  def test_resolved_numbers_are_on_record(self, build):
    plain = dump.to_dict(build('server.aggregator=krum'))
    assert plain['server']['aggregator']['num_byzantine'] == 4
    assert plain['model']['padding'] == 'valid'
    assert plain['attack']['source_label'] == 1

  def test_every_rule_with_its_defaults_loads_back(self, build):
    for name, entry in registry.entries('aggregator').items():
      needed = [o.name for o in entry.settings if o.is_required]
      if set(needed) <= {'num_byzantine'}:
        experiment = build(f'server.aggregator={name}')
        assert _reloaded(experiment) == experiment

  def test_name_comes_first(self, build):
    text = dump.to_yaml(build())
    assert text.startswith('name: small\n')
    assert next(iter(dump.to_dict(build())['attack'])) == 'name'


class TestFingerprint:
  @pytest.mark.parametrize(
    'change',
    [
      'description=other',
      'name=other',
      'runtime.threads=7',
      'runtime.context=tff_local',
      'runtime.device=cpu',
      'runtime.retries=3',
      'server.on_non_finite=warn',
      'seed=1',
      'attack.source_label=1',
    ],
  )
  def test_what_does_not_change_the_result_does_not_count(self, build, change):
    assert dump.fingerprint(build(change)) == dump.fingerprint(build())

  @pytest.mark.parametrize(
    'change',
    [
      'seed=2',
      'rounds=4',
      'attack=null',
      'attack.source_label=2',
      'attack.training={epochs: 3}',
      'clients.augmentation={flip: false}',
      'evaluation.batch_statistics=true',
      'server.aggregator=median',
      'server.on_too_few=skip',
      'model.padding=same',
      'clients.optimizer.learning_rate=0.2',
      'runtime.mixed_precision=true',
      'runtime.tensor_float_32=true',
      'dataset.partition={name: iid, seed: 1}',
    ],
  )
  def test_what_changes_the_result_counts(self, build, change):
    assert dump.fingerprint(build(change)) != dump.fingerprint(build())

  def test_fields_that_came_later_count_where_they_say_something(self, build):
    # Runs from before them keep their fingerprints.
    assert 'training' not in dump.identity(build())['attack']
    assert dump.to_dict(build())['attack']['training'] is None
    changed = build('attack.training={epochs: 3}')
    assert dump.identity(changed)['attack']['training']['epochs'] == 3

  def test_options_that_came_later_do_so_too(self, build):
    plain = build('model={name: resnet20}')
    assert dump.to_dict(plain)['model']['standardize'] is None
    assert 'standardize' not in dump.identity(plain)['model']
    changed = build('model={name: resnet20, standardize: [0.5, 0.25]}')
    assert dump.identity(changed)['model']['standardize'] == [0.5, 0.25]
    # That of the perceptron was there from the start.
    assert 'standardize' in dump.identity(build('model=mlp'))['model']

  def test_one_word_that_stays_the_same(self, build):
    experiment = build()
    first = dump.fingerprint(experiment)
    assert first.isalnum() and len(first) == 16
    assert dump.fingerprint(_reloaded(experiment)) == first

  def test_plugins_do_not_count_by_their_path(self, build):
    moved = dataclasses.replace(build(), plugins=('/elsewhere/p.py',))
    assert dump.fingerprint(moved) == dump.fingerprint(build())
