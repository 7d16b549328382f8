import pytest

from flsec import registry
from flsec.config import structure
from flsec.config.errors import ConfigError
from flsec.config.schema import (
  AttackConfig,
  ClientsConfig,
  Component,
  Experiment,
  ServerSet,
)


class TestRefusals:
  @pytest.mark.parametrize(
    'change, message',
    [
      ('rouns=3', "rouns: Unknown key of an experiment: 'rouns'; did you mean"),
      (
        'clients.epoch=1',
        "clients.epoch: Unknown key of clients: 'epoch'; did",
      ),
      ('rounds=true', 'rounds: expected an integer; found True (a boolean)'),
      ('rounds=2.0', 'rounds: expected an integer; found 2.0 (a number)'),
      ('rounds="2"', "rounds: expected an integer; found '2' (a string)"),
      ('rounds=null', 'rounds: expected an integer; found nothing (null)'),
      ('name=3', 'name: expected a string; found 3 (an integer)'),
      ('clients=3', 'clients: expected a mapping with some of: num_clients'),
      ('clients.num_clients=[1]', 'clients.num_clients: expected an integer'),
      (
        'evaluation.every=x',
        "evaluation.every: expected an integer; found 'x'",
      ),
      (
        'runtime.memory_growth=1',
        'runtime.memory_growth: expected true or false; found 1 (an integer)',
      ),
      (
        'clients.selection=unifrom',
        'expected one of all, uniform, fixed_malicious, attack_frequency; '
        "found 'unifrom' (a string); did you mean 'uniform'?",
      ),
      (
        'clients.optimizer.learning_rate=true',
        'clients.optimizer.learning_rate: expected a number; found True',
      ),
      (
        'clients.optimizer.decay_rounds=5',
        'decay_rounds: expected a list (an integer each); found 5',
      ),
      (
        'clients.optimizer.decay_rounds=[1, x]',
        'clients.optimizer.decay_rounds.1: expected an integer',
      ),
      (
        'dataset.name=minst',
        "dataset.name: Unknown dataset name 'minst'; did you mean 'mnist'?",
      ),
      (
        'model=lenet',
        "model: Unknown model name 'lenet'; did you mean 'lenet5'",
      ),
      (
        'model=7',
        'model: expected the name of one of the models, or a mapping',
      ),
      ('model={padding: same}', 'model.name: expected the name of one of the'),
      (
        'model={name: lenet5, pading: same}',
        "model.pading: Unknown option of model 'lenet5': 'pading'; did you "
        "mean 'padding'?",
      ),
      (
        'model={name: lenet5, num_classes: 10}',
        "model.num_classes: Unknown option of model 'lenet5'",
      ),
      (
        'dataset.partition=dirichlet',
        "dataset.partition.alpha: partition 'dirichlet' needs this option (a "
        'number)',
      ),
      (
        'dataset.partition={name: dirichlet, alpha: high}',
        "dataset.partition.alpha: expected a number; found 'high'",
      ),
      ('dataset.root={}', 'dataset.root.size: is missing; expected an integer'),
      (
        'attack.sorce_label=3',
        "attack.sorce_label: Unknown option of attack 'label_flip'",
      ),
      ('attack.compose=[mena]', "attack.compose.0: Unknown attack name 'mena'"),
      (
        'server.preaggregators=nnm',
        'server.preaggregators: expected a list (a name, or a mapping such as',
      ),
    ],
  )
  def test_path_found_and_allowed_are_named(self, build, change, message):
    with pytest.raises(ConfigError) as error:
      build(change)
    assert message in str(error.value)

  @pytest.mark.parametrize(
    'section, key', [(None, 'model'), (None, 'rounds'), ('attack', 'name')]
  )
  def test_missing_key(self, raw, section, key):
    del (raw[section] if section else raw)[key]
    path = f'{section}.{key}' if section else key
    with pytest.raises(ConfigError, match=f'^{path}: is missing; expected'):
      structure.structure(raw)

  def test_missing_key_finds_the_misspelt_one(self, raw):
    raw['clients']['num_client'] = raw['clients'].pop('num_clients')
    with pytest.raises(ConfigError, match="did you mean 'num_clients'"):
      structure.structure(raw)

  def test_source_is_named_first(self, raw):
    raw['rounds'] = 'x'
    with pytest.raises(ConfigError, match=r'^my\.yaml: rounds: expected'):
      structure.structure(raw, 'my.yaml')

  def test_list_at_the_top(self):
    with pytest.raises(ConfigError, match='experiment: expected a mapping'):
      structure.structure([1])


class TestValues:
  def test_defaults(self, raw):
    found = structure.structure(raw)
    assert isinstance(found, Experiment)
    assert found.seed == 1 and found.plugins == () and found.pruning is None
    assert found.server.aggregator.name == 'mean'
    assert isinstance(found.clients, ClientsConfig)
    assert found.clients.batch_size == 32
    assert isinstance(found.attack, AttackConfig)
    assert found.attack.start_round == 1 and found.attack.stop_round is None

  def test_options_stand_beside_fields(self, build):
    attack = build('attack.target_label=5', 'attack.start_round=2').attack
    assert attack.options == {'source_label': 1, 'target_label': 5}
    assert attack.start_round == 2

  def test_name_alone_and_mapping_mean_the_same(self, build):
    assert build('model=lenet5') == build('model={name: lenet5}')
    assert build().model == Component(
      'lenet5',
      {
        'padding': 'valid',
        'initializer': 'glorot',
        'initial_scale': 1.0,
        'standardize': None,
      },
    )

  def test_integer_becomes_float_where_a_number_is_wanted(self, build):
    rate = build('clients.optimizer.learning_rate=1')
    rate = rate.clients.optimizer.learning_rate
    assert rate == 1.0 and isinstance(rate, float)

  def test_list_becomes_tuple(self, build):
    found = build('clients.optimizer.decay_rounds=[2, 4]')
    assert found.clients.optimizer.decay_rounds == (2, 4)
    hidden = build('model={name: mlp, hidden: [8, 4]}').model.options['hidden']
    assert hidden == (8, 4)

  def test_server_sets(self, build):
    found = build('dataset.root={size: 50, balanced: false}').dataset
    assert found.root == ServerSet(50, 'train', False)
    assert found.validation is None

  def test_optional_section_is_switched_off_by_null(self, build):
    assert build('attack=null').attack is None

  def test_partition_follows_the_experiments_seed_unless_given(self, build):
    assert 'seed' not in build().dataset.partition.options
    given = build('dataset.partition={name: iid, seed: 3}').dataset.partition
    assert given.options['seed'] == 3


@pytest.fixture
def plugin(tmp_path, monkeypatch):
  monkeypatch.setattr(registry, '_plugins', [])

  def add(text):
    path = tmp_path / f'plugin_{len(registry._plugins)}.py'
    path.write_text('from flsec import registry\n' + text)
    registry.add_plugin(str(path))

  return add


class TestComponents:
  def test_union_takes_either_and_keeps_integers(self, plugin):
    plugin(
      '@registry.model("m")\n'
      'def m(*, a: Union[float, int, str], b: Optional[float] = None): ...'
    )
    for value in (3, 0.5, 'x'):
      found = structure.component({'name': 'm', 'a': value}, 'model', 'p')
      assert found['options'] == {'a': value, 'b': None}
      assert type(found['options']['a']) is type(value)
    with pytest.raises(ConfigError, match=r'p\.a: expected a number or an'):
      structure.component({'name': 'm', 'a': [1]}, 'model', 'p')

  def test_fixed_length(self, plugin):
    plugin('@registry.model("m")\ndef m(*, r: tuple[float, float]): ...')
    found = structure.component({'name': 'm', 'r': [0, 1]}, 'model', 'p')
    assert found['options'] == {'r': (0.0, 1.0)}
    with pytest.raises(ConfigError, match=r'p\.r: expected a list of 2'):
      structure.component({'name': 'm', 'r': [0]}, 'model', 'p')

  def test_default_that_is_no_literal_is_left_to_the_component(self, plugin):
    plugin('@registry.model("m")\ndef m(*, r: float = math.pi): ...')
    assert structure.component('m', 'model', 'p')['options'] == {}

  def test_default_passes_whatever_its_annotation_says(self, plugin):
    plugin('@registry.model("m")\ndef m(*, r: int = None, s: bool = 1): ...')
    given = {'name': 'm', 'r': None, 's': 1}
    found = structure.component(given, 'model', 'p')
    assert found['options'] == {'r': None, 's': 1}
    with pytest.raises(ConfigError, match=r'p\.r: expected an integer'):
      structure.component({'name': 'm', 'r': 'x'}, 'model', 'p')

  def test_nested_component_is_checked_and_filled(self, plugin):
    plugin('@registry.attack("outer")\ndef outer(*, attack: Attack): ...')
    given = {'name': 'outer', 'attack': 'label_flip'}
    found = structure.component(given, 'attack', 'p')
    assert found['options']['attack'] == {
      'name': 'label_flip',
      'source_label': 1,
      'target_label': 7,
    }
    given['attack'] = {'name': 'label_flip', 'target': 3}
    with pytest.raises(ConfigError, match=r'p\.attack\.target: Unknown option'):
      structure.component(given, 'attack', 'p')

  def test_nested_default_is_written_out(self, plugin):
    plugin('@registry.attack("o")\ndef o(*, a: Attack = "sign_flip"): ...')
    found = structure.component('o', 'attack', 'p')['options']
    assert found['a']['name'] == 'sign_flip'

  def test_option_named_like_a_field_without_default_gets_its_value(
    self, plugin, raw
  ):
    plugin(
      '@registry.attack("o")\n'
      'def o(*, num_byzantine: int, knowledge: str = "full"): ...'
    )
    raw['attack'] = {'name': 'o', 'num_byzantine': 3}
    options = structure.structure(raw).attack.options
    assert options == {'num_byzantine': 3, 'knowledge': 'full'}
    raw['attack']['knowledge'] = 'none'
    assert structure.structure(raw).attack.options['knowledge'] == 'none'

  def test_option_named_like_a_field_with_default_is_refused(self, plugin, raw):
    plugin('@registry.attack("o")\ndef o(*, every: int = 3): ...')
    raw['attack'] = {'name': 'o', 'num_byzantine': 3}
    with pytest.raises(
      ConfigError, match=r'attack\.every: .* Rename the option'
    ):
      structure.structure(raw)


@pytest.mark.parametrize('kind', ['attack', 'dataset'])
def test_no_shipped_component_clashes_with_its_section(kind, raw):
  for name, entry in registry.entries(kind).items():
    required = {
      option.name: _example(option.annotation)
      for option in entry.settings
      if option.is_required and option.name != 'num_byzantine'
    }
    raw[kind] = {'name': name, **required}
    if kind == 'attack':
      raw[kind]['num_byzantine'] = 1
    assert structure.structure(raw)


def _example(annotation):
  if 'Sequence' in annotation:
    return []
  return {'Attack': 'sign_flip', 'str': 'x', 'float': 0.5}.get(annotation, 1)
