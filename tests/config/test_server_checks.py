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
    (
      ('server.schedule={name: steps}',),
      'server.schedule.rounds: steps takes at least one round; found []',
    ),
    (
      ('server.schedule={rounds: [3]}',),
      'server.schedule.rounds: constant has none; name a schedule that falls, '
      'or leave it out; found [3]',
    ),
    (
      ('server.schedule={name: cosine, rounds: [3, 4]}',),
      'cosine takes one number, after which the rate is zero; found [3, 4]',
    ),
    (
      ('server.schedule={name: exponential}',),
      'exponential takes one number, in which the factor counts once; found []',
    ),
    (
      ('server.schedule={name: steps, rounds: [0]}',),
      'must be at least 1; found 0',
    ),
    (('server.schedule={name: step, rounds: [2]}',), "'steps'"),
  ],
)
def test_what_it_cannot_mean_is_refused(build, changes, message):
  with pytest.raises(ConfigError) as error:
    build(*changes)
  assert message in str(error.value)


@pytest.mark.parametrize(
  'schedule',
  [
    '{}',
    '{name: steps, rounds: [3, 7], factor: 0.5}',
    '{name: cosine, rounds: [100]}',
    '{name: exponential, rounds: [10], factor: 0.9}',
  ],
)
def test_a_schedule_that_falls_passes(build, schedule):
  found = build(f'server.schedule={schedule}').server.schedule
  assert len(found.rounds) < 3


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
