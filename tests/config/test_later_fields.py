"""What came later is not there, or at its default: the same experiment."""

import pytest

from flsec.config import dump, later_fields


@pytest.fixture
def older(build):
  """A run's configuration as it was written before any of it was there."""
  plain = dump.to_dict(build('model=resnet20'))
  for section, name in (
    ('attack', 'training'),
    ('clients', 'augmentation'),
    ('clients', 'moving_statistics'),
    ('evaluation', 'batch_statistics'),
    ('model', 'standardize'),
  ):
    del plain[section][name]
  return plain


def test_an_older_configuration_is_filled_to_one_of_now(older, build):
  assert later_fields.fill(older) == dump.to_dict(build('model=resnet20'))


def test_what_it_says_is_kept(older):
  older['clients']['augmentation'] = {'crop_padding': 2, 'flip': False}
  older['model']['standardize'] = [0.5, 0.25]
  found = later_fields.fill(older)
  assert found['clients']['augmentation'] == {'crop_padding': 2, 'flip': False}
  assert found['model']['standardize'] == [0.5, 0.25]
  assert 'training' not in older['attack']  # It is not changed itself.


def test_what_is_missing_stays_so():
  assert later_fields.fill({}) == {}
  assert later_fields.fill({'attack': None, 'name': 'x'}) == {
    'attack': None,
    'name': 'x',
  }
  assert later_fields.fill({'model': {'name': 'of a plug-in'}}) == {
    'model': {'name': 'of a plug-in'}
  }


def test_dropping_undoes_filling(older, build):
  experiment = build('model=resnet20')
  plain = dump.to_dict(experiment)
  later_fields.drop(experiment, plain)
  assert plain == older
