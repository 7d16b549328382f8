import pytest

from flsec.config.errors import ConfigError

_ROOT = ('dataset.root={size: 100}', 'server.aggregator=fltrust')


@pytest.mark.parametrize(
  'changes, message',
  [
    (
      ('server.root_training={steps: 2}',),
      'server.root_training: says how the server trains on its root examples, '
      'but it has none',
    ),
    (
      (*_ROOT, 'server.root_training={batch_size: 101}'),
      'server.root_training.batch_size: must be at most dataset.root.size, '
      'which is 100; found 101',
    ),
    (
      (*_ROOT, 'server.root_training={optimizer: adam}'),
      'server.root_training.learning_rate: is missing',
    ),
    (
      (*_ROOT, 'server.root_training={steps: 0}'),
      'server.root_training.steps: must be at least 1; found 0',
    ),
    (
      (*_ROOT, 'server.root_training={learning_rate: 0}'),
      'server.root_training.learning_rate: must be above 0; found 0',
    ),
    (
      (*_ROOT, 'server.root_training={epochs: 2}'),
      'server.root_training.epochs',
    ),
  ],
)
def test_what_it_cannot_mean_is_refused(build, changes, message):
  with pytest.raises(ConfigError) as error:
    build(*changes)
  assert message in str(error.value)


@pytest.mark.parametrize(
  'training',
  [
    '{}',
    '{batch_size: 100}',
    '{optimizer: sgd}',
    '{optimizer: adam, learning_rate: 0.01, steps: 4}',
  ],
)
def test_what_it_can_mean_passes(build, training):
  experiment = build(*_ROOT, f'server.root_training={training}')
  assert experiment.dataset.root.size == 100
